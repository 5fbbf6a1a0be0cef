// Http2Session: what it does for single streams.

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "base/base64url.hpp"
#include "http/framing.hpp"
#include "http2/response_fields.hpp"
#include "http2/session.hpp"
#include "http2/session_callbacks.hpp"

namespace keepsake {

namespace {

std::int32_t id_of(const Http2StreamState& stream) {
  return static_cast<std::int32_t>(stream.id);
}

// A request that says no more of its body than that the stream goes on. Whether there is any, the
// next frame tells: with "Content-Length: 0" before a body, or chunked for a GET without one, the
// backend would get another request than the client sent (RFC 9113 8.1.1).
bool must_wait_for_body(const RequestHead& head) {
  if (const Field* length = head.find(FieldId::ContentLength)) {
    std::uint64_t value = 1;
    return parse_content_length(length->value, value) && value == 0;
  }
  return (head.method == Method::Get || head.method == Method::Head) && !head.has(FieldId::Expect);
}

}  // namespace

// --- the list of streams, and that of news

Http2StreamState* Http2Session::attach(std::uint32_t id) {
  Http2StreamState* stream = owner_.open(id);
  if (stream == nullptr) {
    return nullptr;
  }
  stream->begin(id, kStreamWindow);
  stream->next_ = streams_;
  stream->link_ = &streams_;
  if (streams_ != nullptr) {
    streams_->link_ = &stream->next_;
  }
  streams_ = stream;
  ++open_streams_;
  counts_.streams.add();
  nghttp2_session_set_stream_user_data(session_, id_of(*stream), stream);
  return stream;
}

void Http2Session::note(Http2StreamState& stream) {
  if (!stream.listed_) {
    stream.listed_ = true;
    stream.next_news_ = nullptr;
    *last_news_ = &stream;
    last_news_ = &stream.next_news_;
  }
}

void Http2Session::unlist(Http2StreamState& stream) {
  if (!stream.listed_) {
    return;
  }
  Http2StreamState** link = &first_news_;
  while (*link != &stream) {
    link = &(*link)->next_news_;
  }
  *link = stream.next_news_;
  if (last_news_ == &stream.next_news_) {
    last_news_ = link;
  }
  stream.listed_ = false;
}

StreamNews Http2Session::take_news(Http2StreamState& stream) {
  unlist(stream);
  return std::exchange(stream.news_, StreamNews{});
}

void Http2Session::release(Http2StreamState& stream, Http2Code code) {
  if (stream.link_ == nullptr) {
    return;
  }
  unlist(stream);
  if (over_ == Over::No) {
    if (!stream.closed) {
      nghttp2_session_set_stream_user_data(session_, id_of(stream), nullptr);
      if (!stream.finished_) {
        submit_reset(stream, code);
      } else if (stream.websocket && !stream.ended) {
        submit_reset(stream, Http2Code::NoError);  // its client has not said its end
      }
    }
    nghttp2_session_consume_connection(session_, stream.unreturned_);
  }
  note_closed(stream);
  *stream.link_ = stream.next_;
  if (stream.next_ != nullptr) {
    stream.next_->link_ = stream.link_;
  }
  stream.link_ = nullptr;
  stream.more_.clear();
  if (reading_ == &stream) {
    reading_ = nullptr;
  }
  if (over_ == Over::No) {
    pump();
  }
}

// Counts a stream out, once.
void Http2Session::note_closed(Http2StreamState& stream) {
  if (stream.closed) {
    return;
  }
  stream.closed = true;
  --open_streams_;
  end_upload(stream);
}

void Http2Session::close_streams() {
  for (Http2StreamState* stream = streams_; stream != nullptr; stream = stream->next_) {
    if (!stream->closed) {
      note_closed(*stream);
      stream->code = static_cast<std::uint32_t>(code_);
      stream->gone = !stream->finished_;
      stream->news_.closed = true;
      note(*stream);
    }
  }
}

void Http2Session::prioritised(std::uint32_t id) {
  if (nghttp2_session_find_stream(session_, static_cast<std::int32_t>(id)) == nullptr ||
      nghttp2_session_get_stream_user_data(session_, static_cast<std::int32_t>(id)) == nullptr) {
    prioritised_[next_prioritised_++ % prioritised_.size()] = id;
  }
}

bool Http2Session::was_prioritised(std::uint32_t id) const {
  return std::find(prioritised_.begin(), prioritised_.end(), id) != prioritised_.end();
}

// --- requests

void Http2Session::head_complete(bool ended) {
  Http2StreamState& stream = *std::exchange(reading_, nullptr);
  std::string key;
  if (text_.websocket()) {
    std::array<std::uint8_t, 16> nonce{};
    random_.fill(nonce);
    base64_encode(nonce, key);
  }
  stream.fault = text_.finish(key);
  counts_.request_text.add(stream.place.head->size);
  stream.why = text_.why();
  stream.websocket = text_.websocket() && stream.fault == Fault::None;
  if (!text_.has_priority() && !was_prioritised(stream.id)) {
    // Responses of equal urgency take turns, or one large download would block the others (RFC
    // 9218 10). What the client says of the stream itself holds.
    const nghttp2_extpri fair{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(session_, id_of(stream), &fair, 0);
  }
  if (ended) {
    stream.ended = stream.news_.ended = true;
  } else {
    stream.uploads_ = true;
    ++uploads_;
    stream.head_waits_ =
        stream.fault == Fault::None && !stream.websocket && must_wait_for_body(*stream.place.head);
  }
  if (!stream.head_waits_) {
    stream.news_.head = true;
    note(stream);
  }
}

void Http2Session::body_came(Http2StreamState& stream, std::string_view data) {
  if (stream.reset_) {
    nghttp2_session_consume_connection(session_, data.size());
    return;  // its owner reads nothing more
  }
  if (stream.unreturned_ + data.size() > stream.window_) {
    return;  // beyond its window: nghttp2 hands it out, and resets the stream
  }
  stream.unreturned_ += data.size();
  if (!stream.append_body(data)) {
    submit_reset(stream, Http2Code::InternalError);
    return;
  }
  stream.news_.body = true;
  tell_head(stream);
  note(stream);
}

void Http2Session::body_ended(Http2StreamState& stream) {
  if (stream.reset_) {
    return;  // what is cut must not look whole
  }
  stream.ended = stream.news_.ended = true;
  end_upload(stream);
  tell_head(stream);
  note(stream);
}

void Http2Session::tell_head(Http2StreamState& stream) {
  if (std::exchange(stream.head_waits_, false)) {
    stream.news_.head = true;
  }
}

void Http2Session::end_upload(Http2StreamState& stream) {
  if (std::exchange(stream.uploads_, false)) {
    --uploads_;
    if (stream.window_ > kStreamWindow && over_ == Over::No) {
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    }
  }
}

void Http2Session::credit(Http2StreamState& stream, std::size_t bytes) {
  bytes = std::min(bytes, stream.unreturned_);
  stream.unreturned_ -= bytes;
  if (over_ != Over::No || bytes == 0) {
    return;
  }
  nghttp2_session_consume_connection(session_, bytes);
  if (!stream.closed) {
    nghttp2_session_consume_stream(session_, id_of(stream), bytes);
    stream.returned_ += bytes;
    grow_window(stream);
  }
  pump();
}

// While one upload is alone and its backend takes what comes, each full window doubles the next.
// The connection's window grows with it, so that a stall of this one leaves the others theirs.
void Http2Session::grow_window(Http2StreamState& stream) {
  if (stream.blocks == nullptr || uploads_ != 1 || !stream.uploads_ ||
      stream.window_ >= kGrownWindow || stream.returned_ < stream.window_) {
    return;
  }
  stream.returned_ = 0;
  stream.window_ *= 2;
  const auto window = static_cast<std::int32_t>(stream.window_);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, id_of(stream), window);
  nghttp2_session_set_local_window_size(
      session_, NGHTTP2_FLAG_NONE, 0,
      static_cast<std::int32_t>(kConnectionWindow + stream.window_ - kStreamWindow));
}

// --- responses

bool Http2Session::can_send(const Http2StreamState& stream) const {
  return over_ == Over::No && !stream.closed && !stream.reset_ && !stream.last_ &&
         stream.link_ != nullptr;
}

bool Http2Session::respond_interim(Http2StreamState& stream, std::string& text) {
  if (!can_send(stream) || !fields_->read_head(text.data(), text.size())) {
    return false;
  }
  fields_->ask_for_copies();
  const int submitted = nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id_of(stream), nullptr,
                                               fields_->data(), fields_->size(), nullptr);
  stream.interims_ += submitted == 0 ? 1 : 0;
  pump();
  return submitted == 0;
}

bool Http2Session::respond(Http2StreamState& stream, std::string& text, std::string_view piece,
                           bool last) {
  return can_send(stream) && fields_->read_head(text.data(), text.size()) &&
         submit(stream, text.size(), piece, last);
}

bool Http2Session::respond_tunnel(Http2StreamState& stream, std::string& text) {
  return can_send(stream) && fields_->read_head(text.data(), text.size(), true) &&
         submit(stream, text.size(), {}, false);
}

bool Http2Session::submit(Http2StreamState& stream, std::size_t text_size, std::string_view piece,
                          bool last) {
  stream.piece_ = piece;
  stream.last_ = last;
  stream.head_submitted_ = true;
  if (out_.size() >= kMostOutput) {
    fields_->ask_for_copies();  // the text will be gone when there is room again
  }
  nghttp2_data_provider body = response_body();
  counts_.response_text.add(text_size);
  if (nghttp2_submit_response(session_, id_of(stream), fields_->data(), fields_->size(),
                              piece.empty() && last ? nullptr : &body) != 0) {
    return false;
  }
  pump_for(stream);
  return true;
}

bool Http2Session::send(Http2StreamState& stream, std::string_view piece, bool last,
                        std::string_view trailers) {
  if (!can_send(stream)) {
    return false;
  }
  stream.trailers_ = trailers;
  stream.piece_ = piece;
  stream.last_ = last;
  if (std::exchange(stream.deferred_, false)) {
    nghttp2_session_resume_data(session_, id_of(stream));
  }
  pump_for(stream);
  return true;
}

bool Http2Session::sent(const Http2StreamState& stream) const {
  return stream.piece_.empty() && (!stream.last_ || stream.finished_);
}

bool Http2Session::wants_credit(const Http2StreamState& stream) const {
  return over_ == Over::No && !stream.closed &&
         (nghttp2_session_get_stream_remote_window_size(session_, id_of(stream)) <= 0 ||
          nghttp2_session_get_remote_window_size(session_) <= 0);
}

// What is in the output before the call returns is no news to the caller.
void Http2Session::pump_for(Http2StreamState& stream) {
  caller_ = &stream;
  pump();
  caller_ = nullptr;
}

void Http2Session::note_sent(Http2StreamState& stream) {
  if (&stream != caller_ && sent(stream)) {
    stream.news_.sent = true;
    note(stream);
  }
}

// END_STREAM went out. A client that is still sending is told that the rest is not wanted (RFC 9113
// 8.1); not before, because a reset discards what is queued for the stream.
void Http2Session::response_finished(Http2StreamState& stream) {
  stream.finished_ = true;
  if (!stream.ended && !stream.websocket) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id_of(stream), NGHTTP2_NO_ERROR);
  }
}

void Http2Session::reset(Http2StreamState& stream, Http2Code code) {
  submit_reset(stream, code);
  pump();
}

void Http2Session::submit_reset(Http2StreamState& stream, Http2Code code) {
  if (over_ == Over::No && !stream.closed && !stream.reset_) {
    stream.reset_ = true;
    stream.piece_ = {};
    stream.trailers_.clear();
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id_of(stream),
                              static_cast<std::uint32_t>(code));
  }
}

}  // namespace keepsake
