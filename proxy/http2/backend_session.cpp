#include "http2/backend_session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "http2/backend_callbacks.hpp"
#include "http2/library_memory.hpp"

namespace keepsake {

namespace {

// A block of fields may decode to this many times the limit of a head before the connection ends.
constexpr std::size_t kLargestBlock = 4;

// The whole space of credit (RFC 9113 6.9.1).
constexpr std::int32_t kConnectionWindow = std::numeric_limits<std::int32_t>::max();

// Numbers of streams are used up at 2^31 (RFC 9113 5.1.1): a new connection begins anew.
constexpr std::uint32_t kLastStream = 1U << 30U;

// Answers that nghttp2 holds back because the backend does not read.
constexpr std::size_t kManyUnread = 500;

std::int32_t id_of(const BackendStreamState& stream) {
  return static_cast<std::int32_t>(stream.id);
}

}  // namespace

BackendSession::BackendSession(Http2Memory& memory, Http2BackendCounts& counts,
                               std::size_t header_list, SteadyTime now)
    : counts_(counts),
      memory_(memory),
      most_block_bytes_(kLargestBlock * header_list),
      cancels_(now) {
  nghttp2_mem hooks = hooks_of(memory_);
  if (nghttp2_session_client_new3(&session_, backend_callbacks(), this, backend_options(),
                                  &hooks) != 0) {
    throw std::bad_alloc{};
  }
  const std::array<nghttp2_settings_entry, 4> entries{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(header_list)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  counts_.connections.add();
  pump();
}

BackendSession::~BackendSession() {
  nghttp2_session_del(session_);
}

void BackendSession::feed(std::string_view bytes) {
  if (over_ != Over::No) {
    return;
  }
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    pump();
    fail(Http2Code::ProtocolError, taken == NGHTTP2_ERR_CALLBACK_FAILURE
                                       ? "head far too large"
                                       : nghttp2_strerror(static_cast<int>(taken)));
    return;
  }
  pump();
}

// Not a question of what waits to be written: a backend that writes before it reads on would wait
// for us as we for it. Each stream may have a head, credit and a reset in the queue.
bool BackendSession::wants_input() const {
  return over_ == Over::No &&
         nghttp2_session_get_outbound_queue_size(session_) <= kManyUnread + 3 * open_;
}

bool BackendSession::takes_tunnels() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) ==
         1;
}

std::size_t BackendSession::room() const {
  if (closing() || !ready_) {
    return 0;
  }
  const std::size_t most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return most - std::min(most, open_);
}

// Everything that can be written, up to the bound; and what came to light on the way.
void BackendSession::pump() {
  while (over_ == Over::No && out_.size() < kMostOutput) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) {
      fail(Http2Code::InternalError, nghttp2_strerror(static_cast<int>(size)));
      return;
    }
    if (size == 0) {
      break;
    }
    out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  if (over_ == Over::Failed) {
    close_streams();  // a GOAWAY of ours went out, from inside nghttp2
  } else if (over_ == Over::No && nghttp2_session_want_read(session_) == 0 &&
             nghttp2_session_want_write(session_) == 0) {
    over_ = Over::Ended;
    close_streams();
  }
}

// nghttp2 has no more to say: the connection is closed without a GOAWAY, which a backend's fault
// needs no more than the connections of HTTP/1 do.
void BackendSession::fail(Http2Code code, std::string_view reason) {
  if (over_ == Over::No) {
    over_ = Over::Failed;
    reason_ = reason.empty() ? describe(code) : reason;
    close_streams();
  }
}

void BackendSession::end() {
  if (over_ == Over::No) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    pump();
    lose("ended");
  }
}

void BackendSession::lose(std::string_view reason) {
  if (over_ == Over::No) {
    over_ = Over::Ended;
    reason_ = reason;
    close_streams();
  }
}

void BackendSession::ping() {
  if (over_ == Over::No && !std::exchange(awaits_ping_, true)) {
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    pump();
  }
}

void BackendSession::cancel_waiting(SteadyTime now) {
  std::size_t done = 0;
  while (over_ == Over::No && done < waiting_.size() && cancels_.take(now)) {
    submit_reset(waiting_[done++], Http2Code::Cancel);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  if (done != 0) {
    pump();
  }
}

bool BackendSession::open(BackendStreamState& stream, std::string& head, bool https,
                          std::string_view piece, bool last) {
  if (room() == 0 || !fields_.read_head(head.data(), head.size(), https, stream.tunnel)) {
    return false;
  }
  stream.begin();
  stream.piece_ = piece;
  stream.last_ = last;
  stream.head_submitted_ = true;
  nghttp2_data_provider body = request_body();
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields_.data(), fields_.size(),
                                                 piece.empty() && last ? nullptr : &body, &stream);
  if (id < 0) {
    closing_ = true;
    return false;
  }
  stream.id = static_cast<std::uint32_t>(id);
  closing_ = closing_ || stream.id >= kLastStream;
  ++open_;
  counts_.streams.add();
  attach(stream);
  pump_for(stream);
  return true;
}

bool BackendSession::send(BackendStreamState& stream, std::string_view piece, bool last) {
  if (over_ != Over::No || stream.closed || stream.reset_ || stream.last_) {
    return false;
  }
  stream.piece_ = piece;
  stream.last_ = last;
  if (std::exchange(stream.deferred_, false)) {
    nghttp2_session_resume_data(session_, id_of(stream));
  }
  pump_for(stream);
  return true;
}

bool BackendSession::sent(const BackendStreamState& stream) const {
  return stream.piece_.empty() && !stream.head_submitted_ && (!stream.last_ || stream.finished_);
}

void BackendSession::credit(BackendStreamState& stream) {
  const std::size_t buffered = std::min(stream.buffered(), stream.unreturned_);
  const std::size_t bytes = std::exchange(stream.unreturned_, buffered) - buffered;
  if (bytes != 0 && over_ == Over::No && !stream.closed) {
    nghttp2_session_consume_stream(session_, id_of(stream), bytes);
    pump();
  }
}

void BackendSession::release(BackendStreamState& stream, SteadyTime now) {
  if (!stream.attached_) {
    return;
  }
  if (over_ == Over::No && !stream.closed) {
    nghttp2_session_set_stream_user_data(session_, id_of(stream), nullptr);
    if (!stream.reset_) {
      waiting_.push_back(stream.id);
    }
  }
  detach(stream);
  cancel_waiting(now);
}

bool BackendSession::has_output() const {
  return !out_.empty() || (over_ == Over::No && nghttp2_session_want_write(session_) != 0);
}

bool BackendSession::take_output(std::string& out) {
  if (out_.empty()) {
    pump();
  }
  out.clear();
  out.swap(out_);
  return !out.empty();
}

void BackendSession::rest() {
  if (out_.empty() && over_ == Over::No && nghttp2_session_want_write(session_) == 0) {
    memory_.rest();
    std::string{}.swap(out_);
  }
}

}  // namespace keepsake
