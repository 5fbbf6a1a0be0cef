#include "http2/session_callbacks.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "http2/response_fields.hpp"
#include "http2/session.hpp"

namespace keepsake {

struct SessionCallbacks {
  static Http2Session& session_of(void* user) { return *static_cast<Http2Session*>(user); }

  static Http2StreamState* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Http2StreamState*>(nghttp2_session_get_stream_user_data(session, id));
  }

  // --- input

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& self = session_of(user);
    self.block_bytes_ = 0;
    self.reading_ = nullptr;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
      return 0;  // trailers: counted, checked by nghttp2, dropped
    }
    self.reading_ = self.attach(static_cast<std::uint32_t>(frame->hd.stream_id));
    if (self.reading_ == nullptr) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_REFUSED_STREAM);
    } else {
      self.text_.begin(self.reading_->place);
    }
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t, void* user) {
    constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
    Http2Session& self = session_of(user);
    self.block_bytes_ += name_size + value_size + kFieldOverhead;
    if (self.block_bytes_ > self.most_block_bytes_) {
      self.pending_flood_ = Flood::HeaderBomb;
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    const std::string_view field{reinterpret_cast<const char*>(name), name_size};
    if (self.reading_ != nullptr) {
      self.text_.add(field, {reinterpret_cast<const char*>(value), value_size});
    } else if (field == "content-length") {
      // A trailer that would frame (RFC 9110 6.5.1).
      if (Http2StreamState* stream = stream_of(session, frame->hd.stream_id)) {
        self.submit_reset(*stream, Http2Code::ProtocolError);
      }
    }
    return 0;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& self = session_of(user);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (self.reading_ != nullptr) {
          self.head_complete(ended);
          return 0;
        }
        [[fallthrough]];
      case NGHTTP2_DATA:
        if (Http2StreamState* stream = stream_of(session, frame->hd.stream_id);
            stream != nullptr && ended) {
          self.body_ended(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        self.counts_.resets_received.add(frame->rst_stream.error_code);
        if (Http2StreamState* stream = stream_of(session, frame->hd.stream_id)) {
          stream->reset_by_peer = true;
        }
        break;
      case NGHTTP2_SETTINGS:
        self.settings_acknowledged_ =
            self.settings_acknowledged_ || (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
        break;
      case NGHTTP2_GOAWAY:
        self.counts_.goaways_received.add(frame->goaway.error_code);
        self.peer_goes_away_ = true;
        break;
      case NGHTTP2_PRIORITY_UPDATE:
        self.prioritised(static_cast<std::uint32_t>(
            static_cast<const nghttp2_ext_priority_update*>(frame->ext.payload)->stream_id));
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    Http2Session& self = session_of(user);
    if (frame->hd.type == NGHTTP2_HEADERS && error == NGHTTP2_ERR_REFUSED_STREAM) {
      self.count_bad_stream();  // more streams than it was told
    }
    return 0;
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id,
                           const std::uint8_t* data, std::size_t size, void* user) {
    Http2StreamState* stream = stream_of(session, id);
    if (stream == nullptr) {
      // Its owner is done with it and reads nothing more.
      nghttp2_session_consume(session, id, size);
    } else {
      session_of(user).body_came(*stream, {reinterpret_cast<const char*>(data), size});
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code,
                             void* user) {
    Http2Session& self = session_of(user);
    if (Http2StreamState* stream = stream_of(session, id)) {
      if (self.reading_ == stream) {
        self.reading_ = nullptr;
      }
      self.note_closed(*stream);
      stream->code = code;
      stream->gone = !stream->finished_;
      stream->news_.closed = true;
      self.note(*stream);
    }
    return 0;
  }

  // --- output

  static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t*,
                           std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                           void* user) {
    Http2StreamState* found = stream_of(session, id);
    if (found == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // released: its reset is on the way
    }
    Http2StreamState& stream = *found;
    const std::size_t size = std::min(most, stream.piece_.size());
    if (size == 0 && !stream.last_) {
      stream.deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.last_ && size == stream.piece_.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers_.empty() && submit_trailers(session, id, stream, user)) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      }
    }
    return static_cast<ssize_t>(size);
  }

  static bool submit_trailers(nghttp2_session* session, std::int32_t id, Http2StreamState& stream,
                              void* user) {
    ResponseFields& fields = *session_of(user).fields_;
    std::string& lines = stream.trailers_;
    if (!fields.read_trailers(lines.data(), lines.size()) || fields.size() == 0) {
      return false;
    }
    fields.ask_for_copies();
    return nghttp2_submit_trailer(session, id, fields.data(), fields.size()) == 0;
  }

  // The head of a DATA frame and its payload, straight into the output.
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source*, void* user) {
    constexpr std::size_t kFrameHead = 9;
    Http2Session& self = session_of(user);
    if (self.out_.size() >= Http2Session::kMostOutput) {
      return NGHTTP2_ERR_WOULDBLOCK;
    }
    Http2StreamState* stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr || stream->piece_.size() < size) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // reset while this frame waited for room
    }
    self.out_.append(reinterpret_cast<const char*>(head), kFrameHead);
    self.out_.append(stream->piece_.substr(0, size));
    stream->piece_.remove_prefix(size);
    stream->taken += size;
    self.budget_.count_data_sent();
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& self = session_of(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        self.counts_.response_blocks.add(frame->hd.length);
        [[fallthrough]];
      case NGHTTP2_DATA:
        if (Http2StreamState* stream = stream_of(session, frame->hd.stream_id)) {
          if (frame->hd.type == NGHTTP2_HEADERS) {
            head_sent(*stream);
          }
          if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            self.response_finished(*stream);
          }
          self.note_sent(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        self.reset_sent(frame->rst_stream.error_code);
        break;
      case NGHTTP2_GOAWAY:
        self.goaway_sent(frame->goaway.error_code,
                         {reinterpret_cast<const char*>(frame->goaway.opaque_data),
                          frame->goaway.opaque_data_len});
        break;
      default:
        break;
    }
    return 0;
  }

  // Interim heads go before the final one; trailers are HEADERS too.
  static void head_sent(Http2StreamState& stream) {
    if (stream.interims_ != 0) {
      --stream.interims_;
    } else {
      stream.head_submitted_ = false;
    }
  }

  // A head that is too large for HTTP/2's blocks, as far as nghttp2 goes.
  static int on_frame_not_send(nghttp2_session* session, const nghttp2_frame* frame, int,
                               void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      if (Http2StreamState* stream = stream_of(session, frame->hd.stream_id)) {
        session_of(user).submit_reset(*stream, Http2Code::InternalError);
      }
    }
    return 0;
  }
};

namespace {

struct Deleter {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
using Callbacks = std::unique_ptr<nghttp2_session_callbacks, Deleter>;
using Option = std::unique_ptr<nghttp2_option, Deleter>;

// nghttp2 is C: no exception may pass through it. Without memory the connection ends.
template <auto kCallback>
struct Guarded;
template <class Result, class... Args, Result (*kCallback)(Args...)>
struct Guarded<kCallback> {
  static Result call(Args... args) try {
    return kCallback(args...);
  } catch (const std::bad_alloc&) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
};
template <auto kCallback>
constexpr auto guarded = &Guarded<kCallback>::call;

Callbacks make_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) {
    throw std::bad_alloc{};
  }
  using To = SessionCallbacks;
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, guarded<To::on_begin_headers>);
  // No callback for invalid fields: without one nghttp2 resets the stream.
  nghttp2_session_callbacks_set_on_header_callback(made, guarded<To::on_header>);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, guarded<To::on_frame_recv>);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, guarded<To::on_invalid_frame>);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, guarded<To::on_data_chunk>);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, guarded<To::on_stream_close>);
  nghttp2_session_callbacks_set_send_data_callback(made, guarded<To::send_data>);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, guarded<To::on_frame_send>);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(made, guarded<To::on_frame_not_send>);
  return Callbacks{made};
}

Option make_option() {
  constexpr std::uint64_t kUnlimited = 1'000'000'000;
  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) {
    throw std::bad_alloc{};
  }
  nghttp2_option_set_no_auto_window_update(made, 1);  // credit is the owner's to return
  nghttp2_option_set_no_closed_streams(made, 1);      // they would be kept for RFC 7540's tree
  // FloodBudget counts resets, by the time that feed() is given; the library would by the
  // machine's.
  nghttp2_option_set_stream_reset_rate_limit(made, kUnlimited, kUnlimited);
  nghttp2_option_set_max_settings(made, 32);
  nghttp2_option_set_max_outbound_ack(made, 100);
  nghttp2_option_set_max_continuations(made, 8);
  nghttp2_option_set_builtin_recv_extension_type(made, NGHTTP2_PRIORITY_UPDATE);
  // Room for the largest head that a backend may send (limits.response_header: 1 MiB), and for what
  // the library adds to each field.
  nghttp2_option_set_max_send_header_block_length(made, 2 * 1024 * 1024);
  return Option{made};
}

}  // namespace

const nghttp2_session_callbacks* session_callbacks() {
  static const Callbacks callbacks = make_callbacks();
  return callbacks.get();
}

const nghttp2_option* session_options() {
  static const Option option = make_option();
  return option.get();
}

nghttp2_data_provider response_body() {
  nghttp2_data_provider provider{};
  provider.source.ptr = nullptr;  // found by its id: it may be released meanwhile
  provider.read_callback = guarded<SessionCallbacks::read_body>;
  return provider;
}

}  // namespace keepsake
