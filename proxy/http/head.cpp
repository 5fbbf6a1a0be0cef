#include "http/head.hpp"

#include <bit>
#include <cstring>

#include "base/simd.hpp"
#include "http/chars.hpp"

namespace keepsake {

namespace {

// The first byte that may not stand inside a field value (RFC 9110 5.5: controls but HTAB), which
// in a good line is its CR; `end` if there is none.
inline const char* find_control(const char* p, const char* end) {
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i tab = _mm_set1_epi8('\t');
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // x <= 0x1f of unsigned bytes is: the smaller of both is x.
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i control = _mm_or_si128(low, _mm_cmpeq_epi8(bytes, del));
    const __m128i bad = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad));
    if (mask != 0) {
      return p + std::countr_zero(mask);
    }
    p += 16;
  }
  for (; p != end; ++p) {
    const auto c = static_cast<unsigned char>(*p);
    if ((c < 0x20 && c != '\t') || c == 0x7f) {
      return p;
    }
  }
  return end;
}

HeadStatus bad(const char*& why, const char* text) {
  why = text;
  return HeadStatus::Bad;
}

// `p` is at a CR (or at another control, which is an error). Sets `next` behind the CRLF.
HeadStatus end_of_line(const char* p, const char* end, const char*& next, const char*& why) {
  if (*p != '\r') {
    return bad(why, *p == '\n' ? "bare LF" : "control byte");
  }
  if (p + 1 == end) {
    return HeadStatus::NeedMore;
  }
  if (p[1] != '\n') {
    return bad(why, "bare CR");
  }
  next = p + 2;
  return HeadStatus::Ok;
}

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      return text == "GET" ? Method::Get : text == "PUT" ? Method::Put : Method::Other;
    case 4:
      return text == "POST" ? Method::Post : text == "HEAD" ? Method::Head : Method::Other;
    case 5:
      return text == "PATCH" ? Method::Patch : text == "TRACE" ? Method::Trace : Method::Other;
    case 6:
      return text == "DELETE" ? Method::Delete : Method::Other;
    case 7:
      return text == "OPTIONS"   ? Method::Options
             : text == "CONNECT" ? Method::Connect
                                 : Method::Other;
    default:
      return Method::Other;
  }
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// HTTP-version = "HTTP/" DIGIT "." DIGIT. 1.x with x > 1 is served as 1.1 (RFC 9110 2.5).
HeadStatus read_version(std::string_view text, Head& head) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return bad(head.why, "malformed HTTP version");
  }
  if (text[5] != '1') {
    head.why = "unsupported HTTP version";
    return HeadStatus::BadVersion;
  }
  head.minor = text[7] == '0' ? 0 : 1;
  return HeadStatus::Ok;
}

constexpr std::size_t kMaxMethod = 64;

// method SP request-target SP HTTP-version CRLF, single spaces only (RFC 9112 3). Complains about
// an incomplete line as soon as it cannot become right.
HeadStatus read_request_line(const char* begin, const char* end, const HeadLimits& limits,
                             RequestHead& head, const char*& next) {
  const char* p = begin;
  while (p != end && is_token(*p)) {
    ++p;
  }
  const auto method_size = static_cast<std::size_t>(p - begin);
  if (method_size > kMaxMethod) {
    return bad(head.why, "method too long");
  }
  if (p == end) {
    return HeadStatus::NeedMore;
  }
  if (*p != ' ' || method_size == 0) {
    return bad(head.why, "malformed method");
  }
  head.method_text = {begin, method_size};
  head.method = method_of(head.method_text);
  const char* target = ++p;
  while (p != end && static_cast<unsigned char>(*p) > 0x20 &&
         static_cast<unsigned char>(*p) < 0x7f) {
    ++p;
  }
  const auto target_size = static_cast<std::size_t>(p - target);
  if (target_size > limits.target) {
    head.why = "request target too long";
    return HeadStatus::TargetTooLong;
  }
  if (p == end) {
    return HeadStatus::NeedMore;
  }
  if (*p != ' ' || target_size == 0) {
    return bad(head.why, "malformed request target");
  }
  head.target = {target, target_size};
  const char* version = ++p;
  const char* stop = find_control(version, end);
  if (stop - version > 8) {
    return bad(head.why, "malformed HTTP version");
  }
  if (stop == end) {
    return HeadStatus::NeedMore;
  }
  if (const HeadStatus line = end_of_line(stop, end, next, head.why); line != HeadStatus::Ok) {
    return line;
  }
  head.start_line = {begin, static_cast<std::size_t>(next - begin)};
  return read_version({version, static_cast<std::size_t>(stop - version)}, head);
}

// HTTP-version SP status-code [SP reason] CRLF. The missing SP before an empty reason is a
// well-known habit of real servers and unambiguous, so it is taken.
HeadStatus read_status_line(const char* begin, const char* end, ResponseHead& head,
                            const char*& next) {
  constexpr std::string_view kStart = "HTTP/1.";
  const auto have = static_cast<std::size_t>(end - begin);
  const std::size_t compare = have < kStart.size() ? have : kStart.size();
  if (std::memcmp(begin, kStart.data(), compare) != 0) {
    return bad(head.why, "not an HTTP/1 status line");
  }
  const char* stop = find_control(begin, end);
  if (stop == end) {
    return HeadStatus::NeedMore;
  }
  if (const HeadStatus line = end_of_line(stop, end, next, head.why); line != HeadStatus::Ok) {
    return line;
  }
  const std::string_view text{begin, static_cast<std::size_t>(stop - begin)};
  if (text.size() < 12 || text[8] != ' ') {
    return bad(head.why, "malformed status line");
  }
  if (const HeadStatus version = read_version(text.substr(0, 8), head); version != HeadStatus::Ok) {
    return bad(head.why, "malformed status line");
  }
  if (text[9] < '1' || text[9] > '9' || !is_digit(text[10]) || !is_digit(text[11]) ||
      (text.size() > 12 && text[12] != ' ')) {
    return bad(head.why, "malformed status code");
  }
  head.status =
      static_cast<unsigned>((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
  head.start_line = {begin, static_cast<std::size_t>(next - begin)};
  return HeadStatus::Ok;
}

// OWS field-value OWS CRLF (RFC 9112 5), no folding; `field` has its name and `p` is behind the
// colon.
HeadStatus read_value(const char* p, const char* end, Field& field, const char*& next,
                      const char*& why) {
  while (p != end && is_space(*p)) {
    ++p;
  }
  const char* stop = find_control(p, end);
  if (stop == end) {
    return HeadStatus::NeedMore;
  }
  if (const HeadStatus line = end_of_line(stop, end, next, why); line != HeadStatus::Ok) {
    return line;
  }
  field.line = {field.name.data(), static_cast<std::size_t>(next - field.name.data())};
  while (stop != p && is_space(stop[-1])) {
    --stop;
  }
  field.value = {p, static_cast<std::size_t>(stop - p)};
  return HeadStatus::Ok;
}

// field-name ":" field-value: no space before the colon.
HeadStatus read_field(const char* begin, const char* end, Field& field, const char*& next,
                      const char*& why) {
  const char* p = begin;
  while (p != end && is_token(*p)) {
    ++p;
  }
  if (p == end) {
    return HeadStatus::NeedMore;
  }
  if (*p != ':' || p == begin) {
    return bad(why, is_space(*begin) ? "folded header line"
                    : p == begin     ? "empty header name"
                                     : "malformed header name");
  }
  field.name = {begin, static_cast<std::size_t>(p - begin)};
  return read_value(p + 1, end, field, next, why);
}

// The same, and what the name means.
HeadStatus read_known_field(const char* begin, const char* end, const FieldTable& names,
                            Field& field, const char*& next, const char*& why) {
  PlainName plain;
  FieldName name;
  HeadStatus line = HeadStatus::Ok;
  if (read_plain_name(begin, end, plain)) {
    field.name = {begin, plain.size};
    line = read_value(begin + plain.size + 1, end, field, next, why);
    name = names.find(plain);
  } else {
    line = read_field(begin, end, field, next, why);
    if (line == HeadStatus::Ok) {
      name = names.find(field.name);
    }
  }
  field.id = name.id;
  field.exact = name.exact;
  return line;
}

// The header lines up to and with the empty line; continues at head.parsed.
HeadStatus read_fields(std::string_view data, const HeadLimits& limits, const FieldTable& names,
                       Head& head) {
  const char* const base = data.data();
  const char* const end = base + data.size();
  const char* p = base + head.parsed;
  while (true) {
    if (static_cast<std::size_t>(p - base) > limits.bytes) {
      head.why = "head too large";
      return HeadStatus::TooLarge;
    }
    if (p == end) {
      return HeadStatus::NeedMore;
    }
    if (*p == '\r' || *p == '\n') {
      const char* next = nullptr;
      const HeadStatus line = end_of_line(p, end, next, head.why);
      if (line != HeadStatus::Ok) {
        return line;
      }
      head.size = static_cast<std::size_t>(next - base);
      if (head.size > limits.bytes) {
        head.why = "head too large";
        return HeadStatus::TooLarge;
      }
      return HeadStatus::Ok;
    }
    const char* next = nullptr;
    Field& field = head.fields.emplace_back();
    const HeadStatus line = read_known_field(p, end, names, field, next, head.why);
    if (line != HeadStatus::Ok) {
      head.fields.pop_back();
      if (line == HeadStatus::NeedMore && data.size() >= limits.bytes) {
        head.why = "head too large";
        return HeadStatus::TooLarge;
      }
      return line;
    }
    if (head.fields.size() > limits.fields) {
      head.why = "too many header lines";
      return HeadStatus::TooLarge;
    }
    std::uint16_t& first = head.first[static_cast<std::size_t>(field.id)];
    if (first == 0 && field.exact) {
      first = static_cast<std::uint16_t>(head.fields.size());
    }
    p = next;
    head.parsed = static_cast<std::size_t>(p - base);
  }
}

}  // namespace

void Head::reset(std::size_t max_fields) {
  fields.clear();
  fields.reserve(max_fields + 1);  // the one too many is read before it is refused
  first.fill(0);
  minor = 1;
  size = 0;
  why = "";
  parsed = 0;
  start_line_done = false;
}

HeadStatus parse_request_head(std::string_view data, const HeadLimits& limits,
                              const FieldTable& names, RequestHead& head) {
  const char* const base = data.data();
  const char* const end = base + data.size();
  if (!head.start_line_done) {
    const char* p = base + head.parsed;
    head.method = Method::Other;  // not that of the request before
    // RFC 9112 2.2: an empty line or two left over from a previous body are ignored.
    while (p != end && *p == '\r' && p - base < 4) {
      if (p + 1 == end) {
        return HeadStatus::NeedMore;
      }
      if (p[1] != '\n') {
        return bad(head.why, "bare CR");
      }
      p += 2;
      head.parsed = static_cast<std::size_t>(p - base);
    }
    if (p == end) {
      return HeadStatus::NeedMore;
    }
    const char* next = nullptr;
    const HeadStatus line = read_request_line(p, end, limits, head, next);
    if (line == HeadStatus::NeedMore && data.size() >= limits.bytes) {
      head.why = "head too large";
      return HeadStatus::TooLarge;
    }
    if (line != HeadStatus::Ok) {
      return line;
    }
    head.start_line_done = true;
    head.parsed = static_cast<std::size_t>(next - base);
  }
  return read_fields(data, limits, names, head);
}

HeadStatus parse_response_head(std::string_view data, const HeadLimits& limits,
                               const FieldTable& names, ResponseHead& head) {
  if (!head.start_line_done) {
    if (data.empty()) {
      return HeadStatus::NeedMore;
    }
    const char* next = nullptr;
    const HeadStatus line = read_status_line(data.data(), data.data() + data.size(), head, next);
    if (line == HeadStatus::NeedMore && data.size() >= limits.bytes) {
      head.why = "head too large";
      return HeadStatus::TooLarge;
    }
    if (line != HeadStatus::Ok) {
      return line;
    }
    head.start_line_done = true;
    head.parsed = static_cast<std::size_t>(next - data.data());
  }
  return read_fields(data, limits, names, head);
}

HeadStatus parse_field_line(std::string_view data, Field& field, std::size_t& consumed,
                            const char*& why) {
  if (data.empty()) {
    return HeadStatus::NeedMore;
  }
  const char* const begin = data.data();
  const char* const end = begin + data.size();
  const char* next = nullptr;
  HeadStatus line = HeadStatus::Ok;
  if (*begin == '\r' || *begin == '\n') {
    field = Field{};
    line = end_of_line(begin, end, next, why);
    if (line == HeadStatus::Ok) {
      field.line = data.substr(0, 2);
    }
  } else {
    line = read_field(begin, end, field, next, why);
  }
  if (line == HeadStatus::Ok) {
    consumed = static_cast<std::size_t>(next - begin);
  }
  return line;
}

}  // namespace keepsake
