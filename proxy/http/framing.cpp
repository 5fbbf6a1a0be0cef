#include "http/framing.hpp"

#include <limits>

#include "http/chars.hpp"

namespace keepsake {

namespace {

Framing fail(unsigned status, const char* why) {
  Framing framing;
  framing.error = status;
  framing.why = why;
  return framing;
}

// Reads the Content-Length lines. Two of them, or a list, even of equal numbers, are refused.
bool read_length(const Head& head, Framing& framing) {
  for (const Field& field : head.fields) {
    if (field.id != FieldId::ContentLength || !field.exact) {
      continue;
    }
    if (framing.declared_length) {
      framing.why = "more than one Content-Length";
      return false;
    }
    if (!parse_content_length(field.value, framing.length)) {
      framing.why = "malformed Content-Length";
      return false;
    }
    framing.declared_length = true;
  }
  return true;
}

// What a Transfer-Encoding value is: exactly `chunked`, some other well-formed coding, or nonsense.
enum class Coding : std::uint8_t { Chunked, Unknown, Malformed };

Coding read_coding(std::string_view value) {
  if (equals_lower(value, "chunked")) {
    return Coding::Chunked;
  }
  if (value.empty()) {
    return Coding::Malformed;
  }
  unsigned chunked = 0;
  bool unknown = false;
  while (true) {
    const std::size_t comma = value.find(',');
    std::string_view element = trim(value.substr(0, comma));
    element = trim(element.substr(0, element.find(';')));
    if (!is_token(element)) {
      return Coding::Malformed;
    }
    if (equals_lower(element, "chunked")) {
      ++chunked;
    } else {
      unknown = true;
    }
    if (comma == std::string_view::npos) {
      break;
    }
    value.remove_prefix(comma + 1);
  }
  return unknown && chunked <= 1 ? Coding::Unknown : Coding::Malformed;
}

unsigned count(const Head& head, FieldId id, const Field*& last) {
  unsigned n = 0;
  for (const Field& field : head.fields) {
    if (field.id == id && field.exact) {
      ++n;
      last = &field;
    }
  }
  return n;
}

}  // namespace

bool parse_content_length(std::string_view text, std::uint64_t& value) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) {
    return false;
  }
  std::uint64_t sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return false;
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (sum > (kMax - digit) / 10) {
      return false;
    }
    sum = sum * 10 + digit;
  }
  value = sum;
  return true;
}

Framing request_framing(const RequestHead& head) {
  Framing framing;
  if (!head.has(FieldId::ContentLength) && !head.has(FieldId::TransferEncoding)) {
    return framing;
  }
  if (!read_length(head, framing)) {
    return fail(400, framing.why);
  }
  const Field* coding = nullptr;
  const unsigned codings = count(head, FieldId::TransferEncoding, coding);
  if (codings == 0) {
    framing.kind = framing.declared_length ? BodyKind::Length : BodyKind::None;
    return framing;
  }
  if (codings > 1) {
    return fail(400, "more than one Transfer-Encoding");
  }
  if (framing.declared_length) {
    return fail(400, "both Content-Length and Transfer-Encoding");
  }
  if (head.minor == 0) {
    return fail(400, "Transfer-Encoding in HTTP/1.0");
  }
  switch (read_coding(coding->value)) {
    case Coding::Chunked:
      framing.kind = BodyKind::Chunked;
      return framing;
    case Coding::Unknown:
      return fail(501, "unknown transfer coding");
    case Coding::Malformed:
      break;
  }
  return fail(400, "malformed Transfer-Encoding");
}

Framing response_framing(const ResponseHead& head, bool to_head) {
  Framing framing;
  if (!read_length(head, framing)) {
    return fail(502, framing.why);
  }
  const Field* coding = nullptr;
  const unsigned codings = count(head, FieldId::TransferEncoding, coding);
  if (codings > 0) {
    if (framing.declared_length) {
      return fail(502, "both Content-Length and Transfer-Encoding");
    }
    if (codings > 1 || read_coding(coding->value) != Coding::Chunked) {
      return fail(502, "unknown transfer coding");
    }
    if (head.minor == 0) {
      return fail(502, "Transfer-Encoding in HTTP/1.0");
    }
  }
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    framing.kind = BodyKind::None;
  } else if (codings > 0) {
    framing.kind = BodyKind::Chunked;
  } else if (framing.declared_length) {
    framing.kind = BodyKind::Length;
  } else {
    framing.kind = BodyKind::UntilClose;
  }
  return framing;
}

}  // namespace keepsake
