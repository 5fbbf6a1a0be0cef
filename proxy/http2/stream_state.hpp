#pragma once
// One HTTP/2 stream as the session and the stream's owner share it. The owner (client/http2_stream)
// derives from it and keeps the memory; the session fills it from callbacks, which only record:
// what happened is told as `news` after the whole input was read, so that a request and its reset
// in one read start no exchange.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http2/request_text.hpp"

namespace keepsake {

// What has happened on a stream since its owner looked last; several may be set at once.
struct StreamNews {
  bool head = false;    // the head is complete: `fault` tells whether it is good; once per stream
  bool body = false;    // body bytes have come
  bool ended = false;   // the request is complete (END_STREAM)
  bool sent = false;    // what was given last is in the output: its memory is free
  bool closed = false;  // the stream is gone, or the whole connection: nothing can be sent
};

struct Http2StreamState {
  Http2StreamState() = default;
  Http2StreamState(const Http2StreamState&) = delete;
  Http2StreamState& operator=(const Http2StreamState&) = delete;

  // Set by the owner in Http2StreamOwner::open(), for the head and the body. `place.in` must have
  // room for the head and a stream's window behind it (64 KiB).
  RequestPlace place;
  BufferPool* blocks = nullptr;  // for a body beyond place.in; null: its window never grows

  // The request; the owner only reads these.
  std::uint32_t id = 0;
  Fault fault = Fault::None;   // of the head: the exchange answers it
  const char* why = "";        // what was wrong, for the log
  bool websocket = false;      // an extended CONNECT: the head is that of a WebSocket handshake
  bool ended = false;          // END_STREAM has come: all of the body has arrived
  bool closed = false;         // see StreamNews::closed
  bool gone = false;           // closed before the response was complete: the client has left
  std::uint32_t code = 0;      // the error code that closed it; 0 when it ended in order
  bool reset_by_peer = false;  // RST_STREAM came
  std::uint64_t received = 0;  // bytes of the body

  // The response: bytes of its body that have gone into the output. A stalled client's stay still.
  std::uint64_t taken = 0;
  // Of what was given, what has not.
  std::size_t waiting() const { return piece_.size(); }

  // Body bytes that have arrived and are not consumed, place.in and the blocks behind it together.
  std::size_t buffered() const;
  // Makes place.in.bytes() as long as it can be before the next piece of the body is taken: moves
  // what is left to its front and fills up from the blocks. No view of bytes() survives it.
  void refill();

 private:
  friend class Http2Session;
  friend struct SessionCallbacks;
  void begin(std::uint32_t stream_id, std::uint32_t window);
  bool append_body(std::string_view data);

  // The request.
  StreamNews news_;
  bool listed_ = false;         // in the session's list of news
  bool head_waits_ = false;     // the head is complete, but not told yet; see must_wait_for_body()
  bool uploads_ = false;        // its body has not ended
  std::uint32_t window_ = 0;    // bytes that may be unreturned at once
  std::size_t unreturned_ = 0;  // body bytes that no credit was given for
  std::size_t returned_ = 0;    // credit given since the window grew last

  // The response.
  std::string_view piece_;       // what is not yet in the output
  std::string trailers_;         // behind it, when it is the last
  bool last_ = false;            // nothing follows piece_
  bool head_submitted_ = false;  // and not yet in the output
  unsigned interims_ = 0;        // the same of interim heads
  bool reset_ = false;           // RST_STREAM is on its way
  bool deferred_ = false;        // nghttp2 waits until there is a piece
  bool finished_ = false;        // END_STREAM is in the output

  std::vector<Buffer> more_;  // body beyond place.in, first come first
  Http2StreamState* next_news_ = nullptr;
  Http2StreamState* next_ = nullptr;  // the session's list of its streams
  Http2StreamState** link_ = nullptr;
};

// Keeps the streams of a session: the server's HTTP/2 connection does.
class Http2StreamOwner {
 public:
  virtual ~Http2StreamOwner() = default;
  // A header block of a new stream begins; called from inside Http2Session::feed(). Hands out
  // memory and does nothing else. Null: there is no place (RFC 9113 8.7, REFUSED_STREAM, which the
  // client may repeat). The owner counts the exchanges whose streams are gone already, so that no
  // client starts more of them at once than limits.streams.
  virtual Http2StreamState* open(std::uint32_t id) = 0;
};

}  // namespace keepsake
