#include "http2/backend_callbacks.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "http2/backend_session.hpp"

namespace keepsake {

struct BackendCallbacks {
  static BackendSession& session_of(void* user) { return *static_cast<BackendSession*>(user); }

  // Null: its owner is done with it.
  static BackendStreamState* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<BackendStreamState*>(nghttp2_session_get_stream_user_data(session, id));
  }

  // --- input

  // Which HEADERS these are, nghttp2's category does not tell: those behind an interim head, and
  // trailers, have the same.
  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    BackendSession& self = session_of(user);
    self.block_bytes_ = 0;
    self.reading_ =
        frame->hd.type == NGHTTP2_HEADERS ? stream_of(session, frame->hd.stream_id) : nullptr;
    if (self.reading_ != nullptr && !self.reading_->has_final_head_) {
      self.text_.begin(*self.reading_->in, self.reading_->limits,
                       self.reading_->tunnel ? &self.reading_->accept : nullptr);
    }
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
    BackendSession& self = session_of(user);
    self.block_bytes_ += name_size + value_size + kFieldOverhead;
    if (self.block_bytes_ > self.most_block_bytes_) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;  // it decodes to far more than any head
    }
    if (self.reading_ == nullptr) {
      return 0;
    }
    const std::string_view field{reinterpret_cast<const char*>(name), name_size};
    const std::string_view text{reinterpret_cast<const char*>(value), value_size};
    if (self.reading_->has_final_head_) {
      append_trailer(field, text, self.reading_->limits, self.reading_->trailers);
    } else {
      self.text_.add(field, text);
    }
    return 0;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    BackendSession& self = session_of(user);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (self.reading_ != nullptr && !self.reading_->has_final_head_) {
          self.head_complete(*self.reading_);
        }
        self.reading_ = nullptr;
        [[fallthrough]];
      case NGHTTP2_DATA:
        if (BackendStreamState* stream = stream_of(session, frame->hd.stream_id);
            stream != nullptr && ended && stream->fault == Fault::None) {
          stream->ended = true;
          self.note(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        self.counts_.resets_received.add(frame->rst_stream.error_code);
        if (BackendStreamState* stream = stream_of(session, frame->hd.stream_id)) {
          stream->reset_by_peer_ = true;
        }
        break;
      case NGHTTP2_SETTINGS:
        self.ready_ = self.ready_ || (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0;
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
          self.awaits_ping_ = false;
        }
        break;
      case NGHTTP2_GOAWAY:
        self.counts_.goaways_received.add(frame->goaway.error_code);
        self.closing_ = true;
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_invalid_frame(nghttp2_session* session, const nghttp2_frame* frame, int,
                              void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      if (BackendStreamState* stream = stream_of(session, frame->hd.stream_id)) {
        session_of(user).spoil(*stream, Fault::BackendBadResponse, "malformed fields");
      }
    }
    return 0;
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id,
                           const std::uint8_t* data, std::size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    if (BackendStreamState* stream = stream_of(session, id)) {
      session_of(user).body_came(*stream, {reinterpret_cast<const char*>(data), size});
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code,
                             void* user) {
    session_of(user).stream_closed(static_cast<std::uint32_t>(id), stream_of(session, id), code);
    return 0;
  }

  // --- output

  static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t*,
                           std::size_t most, std::uint32_t* flags, nghttp2_data_source*, void*) {
    BackendStreamState* const stream = stream_of(session, id);
    if (stream == nullptr) {
      return NGHTTP2_ERR_DEFERRED;  // for good: it waits to be cancelled
    }
    const std::size_t size = std::min(most, stream->piece_.size());
    if (size == 0 && !stream->last_) {
      stream->deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream->last_ && size == stream->piece_.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(size);
  }

  // The head of a DATA frame and its payload, straight into the output.
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source*, void* user) {
    constexpr std::size_t kFrameHead = 9;
    BackendSession& self = session_of(user);
    if (self.out_.size() >= BackendSession::kMostOutput) {
      return NGHTTP2_ERR_WOULDBLOCK;
    }
    BackendStreamState* const stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr || stream->piece_.size() < size) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // released while this frame waited for room
    }
    self.out_.append(reinterpret_cast<const char*>(head), kFrameHead);
    self.out_.append(stream->piece_.substr(0, size));
    stream->piece_.remove_prefix(size);
    stream->taken += size;
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    BackendSession& self = session_of(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if (BackendStreamState* stream = stream_of(session, frame->hd.stream_id)) {
          stream->head_submitted_ = false;
          if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            stream->finished_ = true;
          }
          self.note_sent(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        self.counts_.resets_sent.add(frame->rst_stream.error_code);
        break;
      case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR) {
          self.over_ = BackendSession::Over::Failed;
          self.reason_.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data),
                              frame->goaway.opaque_data_len);
          if (self.reason_.empty()) {
            self.reason_ = describe(static_cast<Http2Code>(frame->goaway.error_code));
          }
        }
        break;
      default:
        break;
    }
    return 0;
  }
};

namespace {

struct FreeBackendSetup {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
using BackendCallbackSet = std::unique_ptr<nghttp2_session_callbacks, FreeBackendSetup>;
using BackendOption = std::unique_ptr<nghttp2_option, FreeBackendSetup>;

BackendCallbackSet make_backend_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) {
    throw std::bad_alloc{};
  }
  using To = BackendCallbacks;
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, To::on_begin_headers);
  // No callback for invalid fields: without one nghttp2 resets the stream.
  nghttp2_session_callbacks_set_on_header_callback(made, To::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, To::on_frame_recv);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, To::on_invalid_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, To::on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, To::on_stream_close);
  nghttp2_session_callbacks_set_send_data_callback(made, To::send_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, To::on_frame_send);
  return BackendCallbackSet{made};
}

BackendOption make_backend_option() {
  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) {
    throw std::bad_alloc{};
  }
  nghttp2_option_set_no_auto_window_update(made, 1);  // credit is the owner's to return
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_max_settings(made, 32);
  nghttp2_option_set_max_outbound_ack(made, 100);
  nghttp2_option_set_max_continuations(made, 8);
  // Heads of requests: a client's largest, and what the session adds to it.
  nghttp2_option_set_max_send_header_block_length(made, 512 * 1024);
  return BackendOption{made};
}

}  // namespace

const nghttp2_session_callbacks* backend_callbacks() {
  static const BackendCallbackSet callbacks = make_backend_callbacks();
  return callbacks.get();
}

const nghttp2_option* backend_options() {
  static const BackendOption option = make_backend_option();
  return option.get();
}

nghttp2_data_provider request_body() {
  nghttp2_data_provider provider{};
  provider.source.ptr = nullptr;  // found by its id: it may be released meanwhile
  provider.read_callback = BackendCallbacks::read_body;
  return provider;
}

}  // namespace keepsake
