#include "backend/shared_connection.hpp"

#include <algorithm>
#include <utility>

#include "backend/shared_connections.hpp"

namespace keepsake {

namespace {

// A connection that has idled this long is asked whether it still stands, and has so long to
// answer. No more than twice: servers take more of it for abuse, until they have had a request.
constexpr Millis kAskAfter{20'000};
constexpr Millis kAnswerWithin{5'000};
constexpr unsigned kMostAsked = 2;

}  // namespace

SharedConnection::SharedConnection(SharedConnections& owner, const PoolContext& context, Lease wire,
                                   SteadyTime ready_by)
    : owner_(&owner),
      context_(context),
      wire_(wire.take()),
      session_(*context.http2_memory, *context.http2_counts, context.response_limits->bytes,
               context.streams.now()),
      ready_by_(ready_by),
      idle_since_(context.streams.now()) {
  wire_->in.release();
}

SharedConnection::~SharedConnection() = default;

void SharedConnection::Closer::operator()(BackendConnection* wire) const {
  wire->stream.close();
  BackendConnection::destroy(wire);
}

// --- Streams

std::size_t SharedConnection::room() const {
  const std::size_t room = retired() ? 0 : session_.room();
  return room - std::min(room, seats_);
}

void SharedConnection::seat(BackendStream& stream) {
  stream.connection = this;
  stream.limits = *context_.response_limits;
  stream.side.ready_buffer();
  stream.side.reused = has_served_;
  stream.next = streams_;
  if (streams_ != nullptr) {
    streams_->link = &stream.next;
  }
  stream.link = &streams_;
  streams_ = &stream;
  ++count_;
  ++seats_;
  pings_ = 0;
  rests_ = false;
}

bool SharedConnection::open(BackendStream& stream, Millis stall, std::string& head,
                            std::string_view piece, bool last) {
  --seats_;
  stream.opened = true;
  stall_ = stall;
  const bool opened = session_.open(stream, head, owner_->https(), piece, last);
  work_soon();
  return opened;
}

bool SharedConnection::send(BackendStream& stream, Millis stall, std::string_view piece,
                            bool last) {
  stall_ = stall;
  const bool given = session_.send(stream, piece, last);
  work_soon();
  return given;
}

void SharedConnection::credit(BackendStream& stream) {
  session_.credit(stream);
  if (session_.has_output()) {
    work_soon();
  }
}

void SharedConnection::release(BackendStream& stream) {
  has_served_ = has_served_ || stream.answered;
  if (stream.opened) {
    session_.release(stream, context_.streams.now());
  } else {
    --seats_;
  }
  stream.reader_ = stream.writer_ = {};
  *stream.link = stream.next;
  if (stream.next != nullptr) {
    stream.next->link = stream.link;
  }
  stream.next = ended_;
  ended_ = &stream;
  ++releases_;
  if (--count_ == 0) {
    idle_since_ = context_.streams.now();
    if (retired() || owner_ == nullptr || !owner_->keeps_idle()) {
      retire();
    }
  }
  work_soon();
  quiet_.wake();
}

void SharedConnection::recycle_ended() {
  while (ended_ != nullptr) {
    std::unique_ptr<BackendStream> stream{std::exchange(ended_, ended_->next)};
    stream->clear();
    if (owner_ != nullptr) {
      owner_->recycle(std::move(stream));
    }
  }
}

// --- What has happened

void SharedConnection::work_soon() {
  if (std::exchange(posted_, true)) {
    return;
  }
  asio::post(context_.io, in_slot(post_slot_, [this] { work(); }));
}

void SharedConnection::tell_all_soon() {
  tell_all_ = true;
  work_soon();
}

// The writer comes last: with it `this` may end.
void SharedConnection::work() {
  posted_ = false;
  recycle_ended();
  tell_news();
  if (std::exchange(tell_all_, false)) {
    tell_all();
  }
  if (owner_ != nullptr && ready() && !std::exchange(said_ready_, true)) {
    owner_->note_ready(*this);
  }
  if (owner_ != nullptr) {
    owner_->look();
  }
  if (!writing_) {
    start(write_gathered());
  }
}

// A stream that is released meanwhile stays in memory until the next work().
void SharedConnection::tell_news() {
  while (BackendStreamState* const state = session_.take_news()) {
    static_cast<BackendStream&>(*state).tell();
  }
}

void SharedConnection::tell_all() {
  for (BackendStream* stream = streams_; stream != nullptr;) {
    BackendStream* next = stream->next;
    const std::uint64_t before = releases_;
    stream->tell();
    if (releases_ != before) {
      next = streams_;  // what was the next may be none any more
    }
    stream = next;
  }
}

// --- The socket

Task<void> SharedConnection::serve(std::unique_ptr<SharedConnection> self) {
  co_await self->run();
}

Task<void> SharedConnection::run() {
  try {
    co_await read_all();
  } catch (const std::exception& error) {
    break_off(error.what());  // no memory
  }
  session_.lose("it was closed");
  if (owner_ != nullptr) {
    owner_->forget(*this, said_ready_);
  }
  work_soon();
  while (count_ > 0 || writing_ || posted_) {
    co_await quiet_;
  }
}

asio::mutable_buffer SharedConnection::take() {
  if (!input_) {
    input_ = Buffer{context_.buffers};
  }
  return {input_.space(), input_.space_size()};
}

void SharedConnection::give_back() {
  input_.release();
}

Task<void> SharedConnection::read_all() {
  work_soon();  // the preface and our SETTINGS
  while (!is_over()) {
    if (!session_.wants_input()) {
      co_await writable_;
      continue;
    }
    const IoResult read = co_await wire_->stream.read_into(*this, SteadyTime::max());
    if (read.status == IoStatus::Ok) {
      session_.feed({input_.space(), read.bytes});
      input_.release();
      tell_news();
      work_soon();
    } else if (read.status != IoStatus::Interrupted || wire_->stream.interrupted()) {
      session_.lose(read.status == IoStatus::End ? "the server closed it" : "it broke");
    }
  }
}

Task<void> SharedConnection::write_gathered() {
  writing_ = true;
  try {
    while (!broken_ && session_.take_output(output_)) {
      const IoStatus written = co_await wire_->stream.write(stall_, output_);
      if (written == IoStatus::Ok) {
        tell_news();  // pieces that waited for room
      } else {
        break_off(written == IoStatus::TimedOut ? "the server reads nothing" : "it broke");
      }
    }
  } catch (const std::exception& error) {
    break_off(error.what());  // no memory
  }
  writing_ = false;
  if (is_over()) {
    wire_->stream.nudge_reader();
  }
  writable_.wake();
  quiet_.wake();  // `this` may be gone: nothing may follow
}

void SharedConnection::break_off(std::string_view why) {
  broken_ = true;
  session_.lose(why);
  wire_->stream.interrupt();
}

// --- Its time

void SharedConnection::retire() {
  retired_ = true;
  if (count_ == 0) {
    session_.end();
    work_soon();
  }
}

void SharedConnection::abandon() {
  owner_ = nullptr;
  retire();
}

void SharedConnection::sweep(SteadyTime now, Millis most_idle) {
  if (is_over()) {
    return;
  }
  if (!ready() && ready_by_ <= now) {
    break_off("no SETTINGS have come");
    work_soon();
    return;
  }
  bool late = false;
  for (BackendStream* stream = streams_; stream != nullptr; stream = stream->next) {
    late = stream->is_late(now) || late;
  }
  if (late) {
    tell_all_soon();
  }
  session_.cancel_waiting(now);
  look_at_idle(now, most_idle);
  if (session_.has_output()) {
    work_soon();
  }
}

void SharedConnection::look_at_idle(SteadyTime now, Millis most_idle) {
  if (!session_.awaits_ping()) {
    pong_due_ = SteadyTime::max();
  } else if (pong_due_ <= now) {
    context_.http2_counts->pings_unanswered.add();
    break_off("a PING was not answered");
    return;
  }
  if (!idle() || !ready()) {
    return;
  }
  const auto idle_for = std::chrono::duration_cast<Millis>(now - idle_since_);
  if (idle_for >= most_idle) {
    retire();
  } else if (pings_ < kMostAsked && idle_for >= (pings_ + 1) * kAskAfter) {
    ++pings_;
    pong_due_ = wire_->stream.in(kAnswerWithin);
    session_.ping();
  } else if (!std::exchange(rests_, true)) {
    session_.rest();
    wire_->stream.rest();
  }
}

}  // namespace keepsake
