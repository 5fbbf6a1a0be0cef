// Http2Connection: its time, as the worker's sweep tells it. Deadlines, drain, rest.

#include <string>
#include <utility>

#include "client/connections.hpp"
#include "client/http2_connection.hpp"
#include "exchange/relay_upgrade.hpp"

namespace keepsake {

namespace {

// Between the announcement of a drain and the last stream that is taken (RFC 9113 6.8).
constexpr Millis kDrainNotice{1000};

}  // namespace

void Http2Connection::sweep(SteadyTime now) {
  if (is_over()) {
    return;
  }
  look_at_streams(now);
  look_at_connection(now);
  if (worker_.draining()) {
    begin_drain();
  }
  if (now >= drain_ends_) {
    drain_ends_ = SteadyTime::max();
    session_.finish_drain();
    write_soon();
  }
  rest_when_idle();
}

void Http2Connection::look_at_streams(SteadyTime now) {
  for (Http2Stream* stream = streams_; stream != nullptr; stream = stream->next) {
    if (stream->running) {
      late_ = stream->is_late(now) || late_;
    } else if (stream->start_deadline <= now && !session_.in_header_block()) {
      // Its head has come, and what would tell whether there is a body has not.
      stream->start_deadline = SteadyTime::max();
      session_.reset(*stream, Http2Code::Cancel);
      late_ = true;
    }
  }
  if (late_) {
    write_soon();
  }
}

// None of these is put off by what the client sends meanwhile, a PING for one.
void Http2Connection::look_at_connection(SteadyTime now) {
  if (block_deadline_ <= now) {
    session_.end(Http2Code::NoError, "a header block has not ended in time");
  } else if (settings_deadline_ <= now && !session_.settings_acknowledged()) {
    session_.end(Http2Code::SettingsTimeout, "SETTINGS are not acknowledged");
  } else if (idle_deadline_ <= now) {
    session_.end(Http2Code::NoError, "idle");
  } else {
    return;
  }
  write_soon();
}

// Streams that ended since are in memory still; and others may end meanwhile, which leaves the rest
// for the next sweep.
void Http2Connection::tell_late() {
  if (!std::exchange(late_, false)) {
    return;
  }
  for (Http2Stream* stream = streams_; stream != nullptr;) {
    Http2Stream* const next = stream->next;
    if (stream->running) {
      stream->interrupt_late();
    }
    stream = next;
  }
}

// First without a limit: requests on their way are served (RFC 9113 6.8).
void Http2Connection::begin_drain() {
  if (!std::exchange(draining_, true)) {
    session_.begin_drain();
    drain_ends_ = worker_.streams().now() + kDrainNotice;
    write_soon();
  }
}

void Http2Connection::drain() {
  wake_from_rest();
  begin_drain();
  for (Http2Stream* stream = streams_; stream != nullptr; stream = stream->next) {
    if (stream->client.tunnel != nullptr) {
      close_tunnel(*stream->client.tunnel, CloseCode::GoingAway);
    }
  }
}

// From Phase::Idle the worker parks a connection: the sweep does not look at it any more, only at
// the deadline of its read.
void Http2Connection::rest_when_idle() {
  constexpr std::uint8_t kSweeps = 2;
  if (count_ != 0 || writing_ || posted_ || idle_sweeps_ > kSweeps) {
    return;
  }
  if (++idle_sweeps_ == kSweeps) {
    session_.rest();
    connection_.stream.rest();
    std::string{}.swap(output_);
    if (session_.settings_acknowledged() && !draining_) {
      connection_.idle_sweeps = 0;
      connection_.client.phase = Client::Phase::Idle;
      connection_.stream.set_read_deadline(idle_deadline_);
    }
  }
}

void Http2Connection::wake_from_rest() {
  idle_sweeps_ = 0;
  connection_.client.phase = Client::Phase::Reading;
  if (connection_.parked) {
    worker_.unpark(connection_);
  }
}

}  // namespace keepsake
