#pragma once
// Lets a wire test that is written as HTTP/1.1 run over HTTP/2: the text of its requests becomes
// frames, the frames that come back become the text that HTTP/1.1 would have had. A Link with one
// looks like any other to the test. It shares nothing with proxy/http2.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "support/http2.hpp"

namespace keepsake::test {

class Http2Text {
 public:
  // Text of requests; the frames of all that is complete of it. Throws if HTTP/2 has no words for
  // it.
  std::string send(std::string_view text);

  // The client says nothing more; what that is in a tunnel.
  std::string end_tunnel();

  // Bytes from the proxy; the text of the responses, in the order of their requests, goes to `text`
  // and what must be answered to `frames`.
  void receive(std::string_view bytes, std::string& text, std::string& frames);

  // The responses' end: over HTTP/1.1 the connection would have been closed here.
  bool over() const { return over_ && streams_.empty(); }
  // And it would have been reset, because the last one is not complete.
  bool broken() const { return broken_; }

 private:
  struct Stream {
    bool to_head = false;
    bool asks_for_tunnel = false;
    bool tunnel = false;
    bool closes = false;   // after this response the client wants no other
    bool began = false;    // its final head has come
    bool chunked = false;  // the length of its body was not announced
    bool done = false;
    bool cut = false;      // it was reset before its end
    std::string text;      // not told yet
    std::string trailers;  // lines
  };

  void begin(std::string_view head, std::string& frames);
  std::size_t send_body(std::string_view text, std::string& frames);
  void take(const http2::Frame& frame, std::string& frames);
  void take_head(const http2::Frame& frame, Stream& stream);
  void end(Stream& stream);

  std::string waiting_;  // of a request whose head or chunk is not complete
  std::uint32_t stream_ = 0;
  enum class Body : std::uint8_t { None, Length, Chunked, Tunnel } body_ = Body::None;
  std::size_t left_ = 0;
  std::uint32_t next_ = 1;
  std::map<std::uint32_t, Stream> streams_;
  http2::Reader reader_;
  bool opened_ = false;
  bool over_ = false;
  bool broken_ = false;
};

}  // namespace keepsake::test
