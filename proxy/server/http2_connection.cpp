#include "server/http2_connection.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "server/exchange.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

// Between the announcement of a drain and the last stream that is taken (RFC 9113 6.8).
constexpr Millis kDrainNotice{1000};

Http2Session::Settings settings_of(const Connection& connection) {
  const Config& config = connection.client.view->config();
  Http2Session::Settings settings;
  settings.streams = static_cast<std::uint32_t>(config.limits.streams);
  settings.header_list = config.limits.header;
  settings.websocket = false;
  settings.trusted = connection.peer.trusted;
  return settings;
}

}  // namespace

Http2Connection::Http2Connection(Connection& connection)
    : connection_(connection),
      worker_(connection.worker),
      session_({worker_.http2_memory(), worker_.http2_counts(), worker_.random()}, *this,
               settings_of(connection), worker_.streams().now()) {
  connection_.http2 = this;
  connection_.client.phase = Client::Phase::Reading;
}

Http2Connection::~Http2Connection() {
  connection_.http2 = nullptr;
  free_ended();
}

// --- Streams

Http2StreamState* Http2Connection::open(std::uint32_t) {
  // Exchanges count until they end, not until their streams do: a client that resets what it began
  // would load the backends without a bound.
  if (count_ >= worker_.view()->config().limits.streams &&
      count_ - lost() >= worker_.view()->config().limits.streams) {
    return nullptr;
  }
  auto* const stream = new Http2Stream{*this, worker_, connection_.stream, connection_.peer};
  stream->client.workspace = worker_.take_workspace();
  stream->client.http2 = stream;
  stream->client.https_port = connection_.client.https_port;
  stream->client.phase = Client::Phase::Reading;
  Workspace& work = *stream->client.workspace;
  const Snapshot& snapshot = *stream->client.view->snapshot;
  work.request.reset(snapshot.request_limits.fields);
  stream->place = {&work.in, &work.request, &snapshot.request_limits, &snapshot.names};
  stream->blocks = &worker_.buffers();
  stream->next = streams_;
  if (streams_ != nullptr) {
    streams_->link = &stream->next;
  }
  stream->link = &streams_;
  streams_ = stream;
  ++count_;
  return stream;
}

// Streams that were reset before their exchange began, of which nobody has been told yet.
std::size_t Http2Connection::lost() const {
  std::size_t lost = 0;
  for (const Http2Stream* stream = streams_; stream != nullptr; stream = stream->next) {
    lost += !stream->running && stream->closed ? 1U : 0U;
  }
  return lost;
}

void Http2Connection::unlink(Http2Stream& stream) {
  *stream.link = stream.next;
  if (stream.next != nullptr) {
    stream.next->link = stream.link;
  }
  stream.next = ended_;
  ended_ = &stream;
  --count_;
  write_soon();
  if (count_ == 0) {
    all_ended_.wake();
  }
}

void Http2Connection::free_ended() {
  while (ended_ != nullptr) {
    delete std::exchange(ended_, ended_->next);
  }
}

Task<void> Http2Connection::serve_stream(Http2Stream& stream) {
  try {
    co_await run_exchange(stream.client);
  } catch (const std::exception& error) {
    log::error("a stream was given up: {}", error.what());  // no memory
  }
  session_.release(stream, Http2Code::InternalError);
  unlink(stream);
}

// What happened on streams, to those that wait for it. A stream whose exchange ends meanwhile stays
// in memory until write_soon's job.
void Http2Connection::tell_streams() {
  while (Http2StreamState* const state = session_.next_news()) {
    auto& stream = static_cast<Http2Stream&>(*state);
    const StreamNews news = session_.take_news(stream);
    if (!stream.running) {
      if (news.closed) {
        session_.release(stream);
        unlink(stream);
      } else if (news.head) {
        stream.running = true;
        stream.client.number = ++number_;
        start(serve_stream(stream));
      }
      continue;
    }
    if (stream.gone) {
      stream.leave();
    }
    if (news.body || news.ended || news.closed) {
      stream.body.wake();
    }
    if (news.sent || news.closed) {
      stream.wake_writer();
    }
  }
}

// --- Reading

asio::mutable_buffer Http2Connection::take() {
  if (!input_) {
    input_ = Buffer{worker_.buffers()};
  }
  return {input_.space(), input_.space_size()};
}

void Http2Connection::give_back() {
  input_.release();
}

void Http2Connection::feed(std::string_view bytes) {
  session_.feed(bytes, worker_.streams().now());
  tell_streams();
  if (!session_.in_header_block()) {
    block_deadline_ = SteadyTime::max();
  } else if (block_deadline_ == SteadyTime::max()) {
    block_deadline_ = connection_.stream.in(worker_.view()->config().timeouts.header);
  }
  write_soon();
}

SteadyTime Http2Connection::read_deadline() {
  const TimeoutsConfig& timeouts = worker_.view()->config().timeouts;
  const Millis patience = number_ == 0 ? timeouts.header : timeouts.idle;
  return std::min(block_deadline_, connection_.stream.in(patience));
}

bool Http2Connection::is_over() const {
  return broken_ || session_.over() != Http2Session::Over::No || (draining_ && session_.drained());
}

Task<void> Http2Connection::run(std::string_view first) {
  write_soon();  // our SETTINGS
  feed(first);
  while (!is_over()) {
    if (!session_.wants_input()) {
      co_await writable_;
      continue;
    }
    const SteadyTime deadline = read_deadline();
    const IoResult read = co_await connection_.stream.read_into(*this, deadline);
    if (read.status == IoStatus::Ok) {
      feed({input_.space(), read.bytes});
      input_.release();
    } else if (read.status == IoStatus::TimedOut) {
      if (count_ == 0 || deadline == block_deadline_) {
        session_.end(Http2Code::NoError, "timed out");
      }
    } else if (read.status != IoStatus::Interrupted || connection_.stream.interrupted()) {
      // Also an orderly end: no credit for what we send can come any more.
      broken_ = read.status != IoStatus::End;
      session_.end(Http2Code::NoError, "the client left");
    }
  }
  co_await end_all();
}

// Every stream is closed now; their exchanges end before this returns.
Task<void> Http2Connection::end_all() {
  session_.end(Http2Code::NoError, "");
  tell_streams();
  write_soon();
  while (count_ > 0 || writing_ || posted_) {
    co_await all_ended_;
  }
  // What the client has sent meanwhile (credit, at least) must not make the kernel reset it.
  connection_.client.ending = broken_ ? Client::Ending::Abandon : Client::Ending::Linger;
}

// --- Writing

void Http2Connection::write_soon() {
  if (posted_) {
    return;
  }
  posted_ = true;
  asio::post(worker_.io(), in_slot(post_slot_, [this] {
               posted_ = false;
               free_ended();
               if (!writing_) {
                 start(write_gathered());
               }
             }));
}

Task<void> Http2Connection::write_gathered() {
  writing_ = true;
  while (!broken_ && session_.take_output(output_)) {
    const Millis stall = worker_.view()->config().timeouts.write;
    const IoStatus status = co_await connection_.stream.write(stall, output_);
    if (status != IoStatus::Ok) {
      broken_ = true;
      connection_.stream.nudge_reader();
    } else {
      tell_streams();  // pieces that waited for room
    }
  }
  writing_ = false;
  if (is_over()) {
    connection_.stream.nudge_reader();
  }
  writable_.wake();
  all_ended_.wake();  // `this` may be gone: nothing may follow
}

// --- Time

void Http2Connection::sweep(SteadyTime now) {
  for (Http2Stream* stream = streams_; stream != nullptr;) {
    Http2Stream* const next = stream->next;
    stream->look_at_deadlines(now);
    stream = next;
  }
  if (!worker_.draining()) {
    return;
  }
  if (!std::exchange(draining_, true)) {
    session_.begin_drain();
    drain_ends_ = now + kDrainNotice;
    write_soon();
  } else if (now >= drain_ends_) {
    drain_ends_ = SteadyTime::max();
    session_.finish_drain();
    write_soon();
  }
}

Task<void> serve_http2(Connection& connection) {
  Http2Connection http2{connection};
  std::unique_ptr<Workspace> work = std::move(connection.client.workspace);
  std::string first;
  if (work) {
    first = work->in.bytes();
    work->in.consume(first.size());
    connection.worker.give_workspace(std::move(work));
  }
  co_await http2.run(first);
}

}  // namespace keepsake
