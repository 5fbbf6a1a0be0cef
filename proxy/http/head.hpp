#pragma once
// The strict tokeniser of message heads (RFC 9112 2-5): bytes in, a flat list of views out. It
// repairs nothing: whatever two parsers could read differently is an error. Called by read_request
// and forward_request with the connection's buffer; resumes line by line when more bytes arrive.
// The views live as long as that buffer stays where it is.
//
// Our own and not Beast's basic_parser, because that one joins obs-folds, takes any
// Transfer-Encoding and any Host, and costs 4 000 instructions more per exchange; fuzz_request_head
// holds the two together.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/field_names.hpp"

namespace keepsake {

// One header line. `line` is the whole line with its CRLF: a line that is kept is copied as it
// came.
struct Field {
  std::string_view line;
  std::string_view name;
  std::string_view value;  // without OWS
  FieldId id = FieldId::Other;
  bool exact = true;  // false: `name` only folds to `id`
  bool drop = false;  // decided later, by those who look at the head
};

enum class HeadStatus : std::uint8_t {
  NeedMore,
  Ok,
  Bad,            // 400: not HTTP, or ambiguous
  TargetTooLong,  // 414
  TooLarge,       // 431: bytes or lines
  BadVersion,     // 505
};

struct HeadLimits {
  std::size_t bytes = 16 * 1024;  // start line and header lines with their CRLFs and the empty line
  std::size_t fields = 100;
  std::size_t target = 8 * 1024;
};

enum class Method : std::uint8_t {
  Other,
  Get,
  Head,
  Post,
  Put,
  Delete,
  Options,
  Patch,
  Connect,
  Trace
};

// What a request head and a response head share.
struct Head {
  std::vector<Field> fields;
  // 1 + index of the first field with that id that is `exact`, 0 if none.
  std::array<std::uint16_t, kFieldIds> first{};
  std::uint8_t minor = 1;  // HTTP/1.minor, 0 or 1
  std::size_t size = 0;    // bytes of the whole head, valid when Ok
  const char* why = "";    // one short phrase when Bad, for the log

  const Field* find(FieldId id) const {
    const std::uint16_t i = first[static_cast<std::size_t>(id)];
    return i == 0 ? nullptr : &fields[i - 1U];
  }
  bool has(FieldId id) const { return first[static_cast<std::size_t>(id)] != 0; }

  // How far parsing has come; private to the parser.
  std::size_t parsed = 0;
  bool start_line_done = false;

  // Forget everything but capacity. `max_fields` is reserved at once.
  void reset(std::size_t max_fields);
};

struct RequestHead : Head {
  std::string_view start_line;  // with CRLF
  std::string_view method_text;
  Method method = Method::Other;
  std::string_view target;
};

struct ResponseHead : Head {
  std::string_view start_line;  // with CRLF
  unsigned status = 0;
};

// Continue parsing a head whose bytes so far are `data` (always from its first byte; up to two
// empty lines before a request line are skipped and count into `size`, RFC 9112 2.2). Call reset()
// before the first call and whenever the bytes moved in memory.
HeadStatus parse_request_head(std::string_view data, const HeadLimits& limits,
                              const FieldTable& names, RequestHead& head);
HeadStatus parse_response_head(std::string_view data, const HeadLimits& limits,
                               const FieldTable& names, ResponseHead& head);

// One line of a trailer section, the same rules. Returns Ok with `consumed` when a line (or the
// empty line, then field.line is "\r\n" and name is empty) is complete.
HeadStatus parse_field_line(std::string_view data, Field& field, std::size_t& consumed,
                            const char*& why);

}  // namespace keepsake
