#pragma once
// One stream of a connection to a backend, as BackendSession and the stream's owner share it. The
// owner (backend/http2_stream) derives from it and keeps the memory; the session fills it from
// callbacks, which only record: what happened is told as news after the whole input was read.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/head.hpp"

namespace keepsake {

struct BackendStreamState {
  BackendStreamState() = default;
  BackendStreamState(const BackendStreamState&) = delete;
  BackendStreamState& operator=(const BackendStreamState&) = delete;

  // Set by the owner before open(). `in` gets the text of each head, interim ones too, and behind
  // the final one the body as it comes. It needs room for a head of `limits`; what is beyond it is
  // kept in blocks.
  Buffer* in = nullptr;
  BufferPool* blocks = nullptr;
  HeadLimits limits;
  // It is to become a WebSocket (RFC 8441): the handshake goes out as an extended CONNECT, and the
  // answer that opens it comes as a 101 with this Sec-WebSocket-Accept.
  bool tunnel = false;
  std::string accept;

  // The owner only reads these.
  std::uint32_t id = 0;
  Fault fault = Fault::None;  // of the response: it broke a rule, and its stream was reset
  const char* why = "";       // what was wrong, for the log
  bool answered = false;      // a head has come, if only an interim one
  bool ended = false;         // END_STREAM has come: the response is complete
  bool closed = false;        // the stream is gone, or the whole connection
  bool refused = false;       // closed, and the backend did not look at the request (RFC 9113 8.7)
  std::uint32_t code = 0;     // the error code that closed it; 0 when it ended in order
  std::string trailers;       // lines; complete when `ended`

  // Bytes that have arrived and are not consumed, `in` and the blocks behind it together.
  std::size_t buffered() const;
  // Makes in->bytes() as long as it can be: moves what is left to its front and fills up from the
  // blocks. No view of bytes() survives it.
  void refill();

  // The request: bytes of its body that have gone into the output. A stalled backend's stay still.
  std::uint64_t taken = 0;

 private:
  friend class BackendSession;
  friend struct BackendCallbacks;
  void begin();
  bool append_body(std::string_view data);

  bool listed_ = false;          // in the session's list of news
  bool attached_ = false;        // in its list of streams
  bool has_final_head_ = false;  // what HEADERS come now are trailers
  std::size_t unreturned_ = 0;   // body bytes that no credit was given for

  std::string_view piece_;       // of the request's body: what is not yet in the output
  bool last_ = false;            // nothing follows piece_
  bool head_submitted_ = false;  // and not yet in the output
  bool reset_ = false;           // RST_STREAM is on its way
  bool reset_by_peer_ = false;   // RST_STREAM came
  bool deferred_ = false;        // nghttp2 waits until there is a piece
  bool finished_ = false;        // END_STREAM is in the output

  std::vector<Buffer> more_;  // body beyond `in`, first come first
  BackendStreamState* next_news_ = nullptr;
  BackendStreamState* next_ = nullptr;  // the session's list of its streams
  BackendStreamState** link_ = nullptr;
};

}  // namespace keepsake
