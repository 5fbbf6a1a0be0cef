#include "client/http2_connection.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "client/connections.hpp"
#include "exchange/exchange.hpp"
#include "exchange/run_exchange.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

Http2Session::Settings settings_of(const Connection& connection) {
  const Config& config = connection.client.view->config();
  Http2Session::Settings settings;
  settings.streams = static_cast<std::uint32_t>(config.limits.streams);
  settings.header_list = config.limits.header;
  settings.websocket = true;
  settings.trusted = connection.peer.trusted;
  return settings;
}

}  // namespace

Http2Connection::Http2Connection(Connection& connection)
    : connection_(connection),
      worker_(connection.worker),
      peer_(std::make_shared<const Peer>(connection.peer)),
      session_({worker_.http2_memory(), worker_.http2_counts(), worker_.random()}, *this,
               settings_of(connection), worker_.streams().now()),
      settings_deadline_(connection.stream.in(worker_.view()->config().timeouts.header)),
      idle_deadline_(connection.stream.in(worker_.view()->config().timeouts.idle)) {
  connection_.http2 = this;
  connection_.client.phase = Client::Phase::Reading;
}

Http2Connection::~Http2Connection() {
  connection_.http2 = nullptr;
  free_ended();
}

// --- Streams

// Called through nghttp2, which is C: no exception may pass.
Http2StreamState* Http2Connection::open(std::uint32_t) try {
  return has_place() ? make_stream() : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

// Exchanges count until they end, not until their streams do: a client that resets what it began
// would load the backends without a bound. Those of all connections have a workspace each, as a
// connection of HTTP/1 has: limits.connections bounds them too, by each worker's share.
bool Http2Connection::has_place() const {
  const Config& config = worker_.view()->config();
  const std::size_t most =
      std::max(config.limits.streams, config.limits.connections / worker_.shared().workers);
  const Http2Counts& counts = worker_.http2_counts();
  return counts.streams.get() - counts.ended.get() < most &&
         (count_ < config.limits.streams || count_ - lost() < config.limits.streams);
}

Http2Stream* Http2Connection::make_stream() {
  take_view();
  auto made = std::make_unique<Http2Stream>(*this, worker_, connection_.stream, peer_);
  Client& client = made->client;
  client.workspace = worker_.take_workspace();
  client.http2 = made.get();
  client.https_port = connection_.client.https_port;
  client.phase = Client::Phase::Reading;
  Workspace& work = *client.workspace;
  const Snapshot& snapshot = *client.view->snapshot;
  work.request.reset(snapshot.request_limits.fields);
  made->place = {&work.in, &work.request, &snapshot.request_limits, &snapshot.names};
  made->blocks = &worker_.buffers();
  made->start_deadline = connection_.stream.in(client.view->config().timeouts.body);
  link(*made);
  return made.release();
}

// After a reload, whom it trusts and what it says of the listener. Streams that have begun keep
// what they began with.
void Http2Connection::take_view() {
  if (connection_.client.view != worker_.view()) {
    connection_.take_view();
    peer_ = std::make_shared<const Peer>(connection_.peer);
    session_.trust(peer_->trusted);
  }
}

void Http2Connection::link(Http2Stream& stream) {
  stream.next = streams_;
  if (streams_ != nullptr) {
    streams_->link = &stream.next;
  }
  stream.link = &streams_;
  streams_ = &stream;
  ++count_;
  idle_deadline_ = SteadyTime::max();
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
  worker_.http2_counts().ended.add();
  write_soon();
  if (count_ == 0) {
    idle_deadline_ = connection_.stream.in(worker_.view()->config().timeouts.idle);
    all_ended_.wake();
  }
}

void Http2Connection::free_ended() {
  while (ended_ != nullptr) {
    delete std::exchange(ended_, ended_->next);
  }
}

// Without memory for it the stream was not begun, and its client may repeat it (RFC 9113 8.7).
void Http2Connection::begin_exchange(Http2Stream& stream) {
  stream.client.number = ++number_;
  try {
    start(serve_stream(stream));
  } catch (const std::bad_alloc&) {
    if (!stream.running) {
      session_.release(stream, Http2Code::RefusedStream);
      unlink(stream);
    }
  }
  if (number_ >= worker_.view()->config().limits.requests_per_connection) {
    begin_drain();
  }
}

Task<void> Http2Connection::serve_stream(Http2Stream& stream) {
  stream.running = true;
  try {
    co_await run_exchange(stream.client);
  } catch (const std::exception& error) {
    log_within(worker_.shared().lines.given_up, worker_.streams().now(), spdlog::level::err,
               "a stream was given up: {}", error.what());  // no memory
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
        begin_exchange(stream);
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
  wake_from_rest();
  session_.feed(bytes, worker_.streams().now());
  tell_streams();
  if (!session_.in_header_block()) {
    block_deadline_ = SteadyTime::max();
  } else if (block_deadline_ == SteadyTime::max()) {
    block_deadline_ = connection_.stream.in(worker_.view()->config().timeouts.header);
  }
  write_soon();
}

bool Http2Connection::is_over() const {
  return broken_ || session_.over() != Http2Session::Over::No || (draining_ && session_.drained());
}

Task<void> Http2Connection::run(std::string_view first) {
  try {
    co_await read_all(first);
  } catch (const std::exception& error) {
    log_within(worker_.shared().lines.given_up, worker_.streams().now(), spdlog::level::err,
               "a connection was given up: {}", error.what());  // no memory
    broken_ = true;
  }
  co_await end_all();
}

// Deadlines are look_at_connection()'s: bytes that come restart none of them.
Task<void> Http2Connection::read_all(std::string_view first) {
  write_soon();  // our SETTINGS
  feed(first);
  while (!is_over()) {
    if (!session_.wants_input()) {
      co_await writable_;
      continue;
    }
    const IoResult read = co_await connection_.stream.read_into(*this, SteadyTime::max());
    if (read.status == IoStatus::Ok) {
      feed({input_.space(), read.bytes});
      input_.release();
    } else if (read.status == IoStatus::TimedOut) {
      wake_from_rest();
      look_at_connection(worker_.streams().now());
    } else if (read.status != IoStatus::Interrupted || connection_.stream.interrupted()) {
      // Also an orderly end: no credit for what we send can come any more.
      broken_ = read.status != IoStatus::End;
      session_.end(Http2Code::NoError, "the client left");
    }
  }
}

// Every stream is closed now; their exchanges end before this returns.
Task<void> Http2Connection::end_all() {
  session_.end(Http2Code::NoError, "");
  log_end();
  tell_streams();
  write_soon();
  while (count_ > 0 || writing_ || posted_) {
    co_await all_ended_;
  }
  // What the client has sent meanwhile (credit, at least) must not make the kernel reset it.
  connection_.client.ending = broken_ ? Client::Ending::Abandon : Client::Ending::Linger;
}

// The words are the library's and ours, never the client's.
void Http2Connection::log_end() {
  const bool flood = session_.flood() != Flood::None;
  if (session_.over() != Http2Session::Over::Failed && !flood) {
    return;
  }
  if (worker_.shared().seldom.now(flood ? SeldomLine::Http2Flood : SeldomLine::Http2Fault,
                                  worker_.streams().now())) {
    log::warn("an HTTP/2 connection of {} was ended with {}: {}{}", peer_->text,
              describe(session_.code()), flood ? "a flood of " : "",
              flood ? describe(session_.flood()) : std::string_view{session_.reason()});
  }
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
               tell_late();
               tell_streams();
               if (!writing_) {
                 start(write_gathered());
               }
             }));
}

Task<void> Http2Connection::write_gathered() {
  writing_ = true;
  try {
    while (!broken_ && session_.take_output(output_)) {
      const Millis stall = worker_.view()->config().timeouts.write;
      if (co_await connection_.stream.write(stall, output_) != IoStatus::Ok) {
        broken_ = true;
      } else {
        tell_streams();  // pieces that waited for room
      }
    }
  } catch (const std::exception&) {  // no memory
    broken_ = true;
  }
  writing_ = false;
  if (is_over()) {
    connection_.stream.nudge_reader();
  }
  writable_.wake();
  all_ended_.wake();  // `this` may be gone: nothing may follow
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
