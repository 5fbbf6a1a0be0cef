#pragma once
// The head of a response, composed as for HTTP/1.1, becomes the fields of an HTTP/2 one (RFC 9113
// 8.3.2): names in lower case, values without white space, nothing that speaks of a connection. No
// copy: the fields are views into the text, whose names are lowered in place. For Http2Session
// alone; the only header that shows nghttp2's types besides session_callbacks.hpp.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

class ResponseFields {
 public:
  // `text`: status line, header lines, empty line, all with CRLF. False: it is no such head. The
  // status line's three digits become `:status`. Left out are Connection and the fields that it
  // names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, HTTP2-Settings, and
  // Content-Length of 1xx and 204, which strict clients take for an error. `tunnel`: the head of a
  // 101 becomes that of a 200 to an extended CONNECT (RFC 8441 5): Sec-WebSocket-Accept goes too.
  bool read_head(char* text, std::size_t size, bool tunnel = false);
  // Trailer lines only. An empty list is fine.
  bool read_trailers(char* lines, std::size_t size);

  // nghttp2 shall copy names and values: the text may change once they are submitted.
  void ask_for_copies();

  // Valid as long as the text; changed by the next read.
  const nghttp2_nv* data() const { return fields_.data(); }
  std::size_t size() const { return fields_.size(); }
  unsigned status() const { return status_; }

 private:
  bool read_lines(char* p, const char* end, bool trailers);
  bool may_pass(std::string_view name, bool trailers) const;
  void drop_nominated();

  std::vector<nghttp2_nv> fields_;
  std::vector<std::string_view> nominated_;  // names in Connection
  unsigned status_ = 0;
  bool tunnel_ = false;
};

}  // namespace keepsake
