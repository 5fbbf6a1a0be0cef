#pragma once
// Where a message's body ends (RFC 9112 6). The rules that keep two parsers from disagreeing: one
// length, one coding, one spelling. Called once per head by read_request and forward_request.

#include <cstdint>

#include "http/head.hpp"

namespace keepsake {

enum class BodyKind : std::uint8_t { None, Length, Chunked, UntilClose };

struct Framing {
  BodyKind kind = BodyKind::None;
  std::uint64_t length = 0;  // BodyKind::Length; may be 0
  unsigned error = 0;        // requests: 400 or 501; responses: 502; 0 = fine
  const char* why = "";
  bool declared_length = false;  // a Content-Length was there (HEAD and 304 keep theirs)
};

Framing request_framing(const RequestHead& head);

// `to_head`: the request was HEAD. 1xx, 204 and 304 have no body whatever the head says (RFC
// 9112 6.3).
Framing response_framing(const ResponseHead& head, bool to_head);

// Digits only, at most 2^63-1. Exposed for its fuzz target.
bool parse_content_length(std::string_view text, std::uint64_t& value);

}  // namespace keepsake
