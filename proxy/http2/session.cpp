#include "http2/session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "http2/library_memory.hpp"
#include "http2/response_fields.hpp"
#include "http2/session_callbacks.hpp"

namespace keepsake {

namespace {

// A block of fields may decode to this many times the limit of a head before the connection ends: a
// client that is only too verbose gets its 431.
constexpr std::size_t kBombTimes = 4;
constexpr std::size_t kLeastHeaderList = 16 * 1024;

// Answers that nghttp2 holds back because the client does not read: above the first nothing more is
// read from it, above the second it is a flood.
constexpr std::size_t kManyAnswers = 500;
constexpr std::size_t kTooManyAnswers = 5000;

Http2Code code_of(std::uint32_t code) {
  return static_cast<Http2Code>(code);
}

std::uint32_t number_of(Http2Code code) {
  return static_cast<std::uint32_t>(code);
}

void append_u32(std::uint32_t value, std::string& out) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out.push_back(static_cast<char>(value >> shift & 0xffU));
  }
}

// RFC 9113 6.8. By hand, because after a fatal error nghttp2 sends none.
void append_goaway(std::uint32_t last_stream, Http2Code code, std::string_view reason,
                   std::string& out) {
  const auto length = static_cast<std::uint32_t>(8 + reason.size());
  append_u32(length << 8U | static_cast<std::uint32_t>(FrameType::Goaway), out);
  out.push_back('\0');  // no flags
  append_u32(0, out);   // the connection
  append_u32(last_stream, out);
  append_u32(number_of(code), out);
  out.append(reason);
}

}  // namespace

Http2Session::Http2Session(const Shared& shared, Http2StreamOwner& owner, const Settings& settings,
                           SteadyTime now)
    : owner_(owner),
      counts_(shared.counts),
      random_(shared.random),
      memory_(shared.memory),
      fields_(std::make_unique<ResponseFields>()),
      walk_(kHttp2Preface.size()),
      budget_(now, settings.trusted),
      now_(now),
      trusted_(settings.trusted),
      most_block_bytes_(kBombTimes * std::max(settings.header_list, kLeastHeaderList)) {
  nghttp2_mem hooks = hooks_of(memory_);
  if (nghttp2_session_server_new3(&session_, session_callbacks(), this, session_options(),
                                  &hooks) != 0) {
    throw std::bad_alloc{};
  }
  const std::array<nghttp2_settings_entry, 5> entries{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(settings.header_list)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(),
                          entries.size() - (settings.websocket ? 0 : 1));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  counts_.connections.add();
  pump();
}

Http2Session::~Http2Session() {
  counts_.connections_ended.add();
  nghttp2_session_del(session_);
}

void Http2Session::feed(std::string_view bytes, SteadyTime now) {
  if (over_ != Over::No) {
    return;
  }
  now_ = now;
  if (!judge_frames(bytes)) {
    return;
  }
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    fail_by_library(static_cast<int>(taken));
    return;
  }
  pump();
  if (over_ == Over::No && nghttp2_session_get_outbound_queue_size(session_) > kTooManyAnswers) {
    flooded(Flood::Answers);
  }
}

// What the heads of the frames alone tell. False: the connection is over, and nghttp2 does not see
// this read.
bool Http2Session::judge_frames(std::string_view bytes) {
  FrameHead frame;
  while (over_ == Over::No && walk_.next(bytes, frame)) {
    if (frame.type == static_cast<std::uint8_t>(FrameType::Headers) ||
        frame.type == static_cast<std::uint8_t>(FrameType::Continuation)) {
      counts_.request_blocks.add(frame.length);
    }
    if (const Http2Code code = order_.check(frame); code != Http2Code::NoError) {
      fail(code, "a frame for a stream that is closed");
    } else if (const Flood flood = budget_.count(frame, now_); flood != Flood::None) {
      flooded(flood);
    }
  }
  return over_ == Over::No;
}

bool Http2Session::wants_input() const {
  return over_ == Over::No && out_.size() < kMostOutput &&
         nghttp2_session_get_outbound_queue_size(session_) <= kManyAnswers;
}

// Everything that can be written, up to the bound; and what came to light on the way. A head that
// is being submitted goes beyond the bound: its text lives only now, and where it came from it took
// as much memory.
void Http2Session::pump() {
  while (over_ == Over::No &&
         (out_.size() < kMostOutput || (caller_ != nullptr && caller_->head_submitted_))) {
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
  if (over_ != Over::No) {
    return;
  }
  if (pending_flood_ != Flood::None) {
    flooded(std::exchange(pending_flood_, Flood::None));
  } else if (nghttp2_session_want_read(session_) == 0 &&
             nghttp2_session_want_write(session_) == 0) {
    over_ = Over::Ended;
    close_streams();
  }
}

void Http2Session::fail_by_library(int error) {
  switch (error) {
    case NGHTTP2_ERR_FLOODED:
      return fail(Http2Code::EnhanceYourCalm, "answers are not read", Flood::Answers);
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return fail(Http2Code::EnhanceYourCalm, "too many CONTINUATION", Flood::Continuations);
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return fail(Http2Code::ProtocolError, "bad preface");
    case NGHTTP2_ERR_CALLBACK_FAILURE:
      if (pending_flood_ != Flood::None) {
        return fail(Http2Code::EnhanceYourCalm, "head far too large",
                    std::exchange(pending_flood_, Flood::None));
      }
      [[fallthrough]];
    default:
      return fail(Http2Code::InternalError, nghttp2_strerror(error));
  }
}

void Http2Session::fail(Http2Code code, std::string_view reason, Flood flood) {
  append_goaway(static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(session_)), code,
                reason, out_);
  counts_.goaways_sent.add(number_of(code));
  counts_.floods[static_cast<std::size_t>(flood)].add(flood == Flood::None ? 0 : 1);
  over_ = code == Http2Code::NoError ? Over::Ended : Over::Failed;
  code_ = code;
  flood_ = flood == Flood::None ? flood_ : flood;
  reason_ = reason;
  close_streams();
}

// A trusted proxy carries many clients: at first no more of its streams are taken, those that run
// are served. If that does not help, it ends like any other.
void Http2Session::flooded(Flood flood) {
  if (!trusted_ || flood_ != Flood::None) {
    fail(Http2Code::EnhanceYourCalm, describe(flood), flood);
    return;
  }
  flood_ = flood;
  counts_.floods[static_cast<std::size_t>(flood)].add();
  code_ = Http2Code::EnhanceYourCalm;
  reason_ = describe(flood);
  budget_.refill();
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_ENHANCE_YOUR_CALM,
                        reinterpret_cast<const std::uint8_t*>(reason_.data()), reason_.size());
  takes_no_more_ = true;
}

void Http2Session::trust(bool trusted) {
  if (trusted != trusted_) {
    trusted_ = trusted;
    budget_ = FloodBudget{now_, trusted};
  }
}

void Http2Session::goaway_sent(std::uint32_t code, std::string_view reason) {
  counts_.goaways_sent.add(code);
  const bool only_warns = code == NGHTTP2_ENHANCE_YOUR_CALM && flood_ != Flood::None;
  if (code != NGHTTP2_NO_ERROR && !only_warns) {
    over_ = Over::Failed;
    code_ = code_of(code);
    reason_ = reason;
    close_streams();
  }
}

// Codes of Keepsake's own trouble, and of a refusal for want of room, are not the client's fault.
void Http2Session::reset_sent(std::uint32_t code) {
  counts_.resets_sent.add(code);
  if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR &&
      code != NGHTTP2_REFUSED_STREAM) {
    count_bad_stream();
  }
}

void Http2Session::count_bad_stream() {
  if (const Flood flood = budget_.count_bad_stream(now_); flood != Flood::None) {
    pending_flood_ = flood;
  }
}

void Http2Session::begin_drain() {
  if (over_ == Over::No && !takes_no_more_) {
    nghttp2_submit_shutdown_notice(session_);
    pump();
  }
}

void Http2Session::finish_drain() {
  if (over_ == Over::No && !takes_no_more_) {
    takes_no_more_ = true;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    pump();
  }
}

bool Http2Session::drained() const {
  return over_ != Over::No || (takes_no_more_ && streams_ == nullptr && !has_output());
}

void Http2Session::end(Http2Code code, std::string_view reason) {
  if (over_ == Over::No) {
    pump();
  }
  if (over_ == Over::No) {
    fail(code, reason);
  }
}

bool Http2Session::has_output() const {
  return !out_.empty() || (over_ == Over::No && nghttp2_session_want_write(session_) != 0);
}

bool Http2Session::take_output(std::string& out) {
  if (out_.empty()) {
    pump();
  }
  out.clear();
  out.swap(out_);
  return !out.empty();
}

void Http2Session::rest() {
  if (out_.empty() && over_ == Over::No && nghttp2_session_want_write(session_) == 0) {
    memory_.rest();
    std::string{}.swap(out_);
  }
}

}  // namespace keepsake
