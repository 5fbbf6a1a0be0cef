#pragma once
// The head of a request, composed as for an HTTP/1.1 backend, becomes the fields of an HTTP/2 one
// (RFC 9113 8.3.1): the start line and Host become pseudo-fields, what speaks of one connection
// stays behind. The fields are views into the text, whose names are lowered in place. For
// BackendSession alone.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace keepsake {

class RequestFields {
 public:
  // `text`: "METHOD target HTTP/1.1", header lines, empty line, all with CRLF. False: it is no such
  // head. `https`: what :scheme says. Left out are Connection, Keep-Alive, Proxy-Connection,
  // Transfer-Encoding, Upgrade, HTTP2-Settings, and TE unless it says "trailers". `tunnel`: the
  // handshake of a WebSocket becomes an extended CONNECT (RFC 8441 4), without its key.
  bool read_head(char* text, std::size_t size, bool https, bool tunnel = false);

  // Valid as long as the text; changed by the next read. nghttp2 copies names and values.
  const nghttp2_nv* data() const { return fields_.data() + (has_authority_ ? 0 : 1); }
  std::size_t size() const { return fields_.size() - (has_authority_ ? 0 : 1); }

 private:
  std::vector<nghttp2_nv> fields_;
  bool has_authority_ = false;
};

}  // namespace keepsake
