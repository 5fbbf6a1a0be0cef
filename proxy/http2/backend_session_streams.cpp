// BackendSession: its streams, and what the callbacks say of them.

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "http2/backend_session.hpp"

namespace keepsake {

// --- the list of streams, and that of news

void BackendSession::attach(BackendStreamState& stream) {
  stream.attached_ = true;
  stream.next_ = streams_;
  stream.link_ = &streams_;
  if (streams_ != nullptr) {
    streams_->link_ = &stream.next_;
  }
  streams_ = &stream;
}

void BackendSession::detach(BackendStreamState& stream) {
  unlist(stream);
  *stream.link_ = stream.next_;
  if (stream.next_ != nullptr) {
    stream.next_->link_ = stream.link_;
  }
  stream.attached_ = false;
  stream.piece_ = {};
  stream.more_.clear();
  if (reading_ == &stream) {
    reading_ = nullptr;
  }
}

void BackendSession::note(BackendStreamState& stream) {
  if (!stream.listed_ && &stream != caller_) {
    stream.listed_ = true;
    stream.next_news_ = nullptr;
    *last_news_ = &stream;
    last_news_ = &stream.next_news_;
  }
}

void BackendSession::unlist(BackendStreamState& stream) {
  if (!stream.listed_) {
    return;
  }
  BackendStreamState** link = &first_news_;
  while (*link != &stream) {
    link = &(*link)->next_news_;
  }
  *link = stream.next_news_;
  if (last_news_ == &stream.next_news_) {
    last_news_ = link;
  }
  stream.listed_ = false;
}

BackendStreamState* BackendSession::take_news() {
  BackendStreamState* const stream = first_news_;
  if (stream != nullptr) {
    unlist(*stream);
  }
  return stream;
}

// --- what happens on them

// What is in the output before the call returns is no news to the caller.
void BackendSession::pump_for(BackendStreamState& stream) {
  caller_ = &stream;
  pump();
  caller_ = nullptr;
}

void BackendSession::note_sent(BackendStreamState& stream) {
  if (sent(stream)) {
    note(stream);
  }
}

void BackendSession::head_complete(BackendStreamState& stream) {
  if (const Fault fault = text_.finish(); fault != Fault::None) {
    spoil(stream, fault, text_.why());
    return;
  }
  stream.answered = true;
  stream.has_final_head_ = text_.status() >= 200;
  note(stream);
}

void BackendSession::body_came(BackendStreamState& stream, std::string_view data) {
  if (stream.fault != Fault::None) {
    return;
  }
  stream.unreturned_ += data.size();
  if (!stream.has_final_head_ || stream.unreturned_ > kStreamWindow || !stream.append_body(data)) {
    spoil(stream, Fault::BackendBadResponse, "a body without a head, or beyond its window");
  }
  note(stream);
}

// The response breaks a rule: nothing more of it is taken. A response that has ended stays what it
// is: frames behind it reset the stream (RFC 9113 5.1), which takes nothing back.
void BackendSession::spoil(BackendStreamState& stream, Fault fault, const char* why) {
  if (stream.fault == Fault::None && !stream.ended) {
    stream.fault = fault;
    stream.why = why;
    note(stream);
    if (!std::exchange(stream.reset_, true)) {
      submit_reset(stream.id, Http2Code::ProtocolError);
    }
  }
}

void BackendSession::submit_reset(std::uint32_t id, Http2Code code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(id),
                            static_cast<std::uint32_t>(code));
}

// `stream` is null when its owner is done with it.
void BackendSession::stream_closed(std::uint32_t id, BackendStreamState* stream,
                                   std::uint32_t code) {
  --open_;
  if (stream == nullptr) {
    std::erase(waiting_, id);
    return;
  }
  stream->closed = true;
  stream->code = code;
  stream->refused = code == NGHTTP2_REFUSED_STREAM && !stream->answered;
  if (!stream->ended && !stream->reset_by_peer_ && !stream->reset_ &&
      code == NGHTTP2_PROTOCOL_ERROR && stream->fault == Fault::None) {
    stream->fault = Fault::BackendBadResponse;  // nghttp2 saw it: a body of another length, mostly
    stream->why = "malformed response";
  }
  note(*stream);
}

void BackendSession::close_streams() {
  for (BackendStreamState* stream = streams_; stream != nullptr; stream = stream->next_) {
    if (!stream->closed) {
      stream->closed = true;
      note(*stream);
    }
  }
  waiting_.clear();
}

}  // namespace keepsake
