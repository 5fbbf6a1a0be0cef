// Heads over both protocols. A request whose fields and whose HTTP/1.1 text say the same gives
// equal heads, or is refused over both; a response's text becomes the same fields that the parser
// of HTTP/1.1 finds in it, less those that speak of a connection.

#include <string>

#include "fuzz.hpp"
#include "http/chars.hpp"
#include "http/framing.hpp"
#include "http2/field_rules.hpp"
#include "http2/request_text.hpp"
#include "http2/response_fields.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

constexpr std::string_view kKey = "AAECAwQFBgcICQoLDA0ODw==";

const FieldTable& names() {
  static const FieldTable table{{"X-Session-Name", "X-User"}};
  return table;
}

const HeadLimits& limits() {
  static const HeadLimits some{2048, 20, 256};
  return some;
}

struct Line {
  std::string_view name, value;
};

std::vector<Line> split(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = line.find('=');
    if (colon != std::string_view::npos) {
      lines.push_back({line.substr(0, colon), line.substr(colon + 1)});
    }
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Fields that HTTP/2 refuses and HTTP/1 does not, or that it writes at another place.
bool is_of_both(const Line& line) {
  return is_field_name(line.name) && !is_connection_specific(line.name) && line.name != "te" &&
         line.name != "host" && line.name != "cookie";
}

void compare(const RequestHead& a, const RequestHead& b) {
  must(a.method == b.method && a.method_text == b.method_text && a.target == b.target);
  must(a.start_line == b.start_line && a.size == b.size && a.first == b.first);
  must(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    must(a.fields[i].line == b.fields[i].line && a.fields[i].name == b.fields[i].name);
    must(a.fields[i].value == b.fields[i].value && a.fields[i].id == b.fields[i].id);
    must(a.fields[i].exact == b.fields[i].exact);
  }
  const Framing left = request_framing(a);
  const Framing right = request_framing(b);
  must(left.error == right.error && left.kind == right.kind && left.length == right.length);
}

void requests(std::string_view method, std::string_view path, std::string_view authority,
              std::string_view cookie, const std::vector<Line>& lines) {
  static BufferPool pool{16 * 1024, 1};
  Buffer in{pool};
  RequestHead head;
  RequestText text;
  text.begin({&in, &head, &limits(), &names()});
  text.add(":method", method);
  text.add(":scheme", "https");
  text.add(":authority", authority);
  text.add(":path", path);
  bool both = true;
  std::string plain;
  plain.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ");
  plain.append(authority).append("\r\n");
  for (const Line& line : lines) {
    text.add(line.name, line.value);
    both = both && is_of_both(line);
    plain.append(line.name).append(": ").append(line.value).append("\r\n");
  }
  if (!cookie.empty()) {
    text.add("cookie", cookie);
    plain.append("Cookie: ").append(cookie).append("\r\n");
  }
  plain.append("\r\n");
  const Fault fault = text.finish(kKey);
  must(in.empty());
  if (fault != Fault::None) {
    must(head.fields.empty() && text.why()[0] != '\0');
  } else {
    must(head.size <= limits().bytes && head.fields.size() <= limits().fields);
    must(head.method_text == method && head.target == path);
  }
  if (!both || method == "CONNECT" || authority.empty()) {
    return;
  }
  RequestHead parsed;
  parsed.reset(limits().fields);
  const HeadStatus status = parse_request_head(plain, limits(), names(), parsed);
  const bool whole = status == HeadStatus::Ok && parsed.size == plain.size() &&
                     parsed.fields.size() == lines.size() + (cookie.empty() ? 1U : 2U) &&
                     parsed.method_text == method && parsed.target == path &&
                     (path.front() == '/' || (path == "*" && method == "OPTIONS"));
  must((fault == Fault::None) == whole);
  if (whole) {
    compare(head, parsed);
  }
}

// A line of the head that has to become a field.
bool must_pass(const ResponseHead& head, const Field& field, bool& unsure) {
  std::string lower{field.name};
  for (char& c : lower) {
    c = to_lower(c);
  }
  for (const Field& other : head.fields) {
    if (equals_lower(other.name, "connection")) {
      for_each_list_element(other.value, [&](std::string_view option) {
        unsure = unsure || equals_ignoring_case(option, field.name);
      });
    }
  }
  if (lower == "content-length") {
    return head.status >= 200 && head.status != 204;
  }
  return !is_connection_specific(lower) && lower != "http2-settings";
}

void responses(std::string_view text) {
  ResponseHead head;
  head.reset(limits().fields);
  const std::string original{text};
  if (parse_response_head(original, limits(), names(), head) != HeadStatus::Ok) {
    return;
  }
  std::string changed{original.substr(0, head.size)};
  ResponseFields fields;
  must(fields.read_head(changed.data(), changed.size()));
  must(fields.status() == head.status && fields.size() >= 1);
  std::size_t at = 1;
  for (const Field& field : head.fields) {
    bool unsure = false;
    const bool passes = must_pass(head, field, unsure);
    const bool there =
        at < fields.size() &&
        equals_lower(field.name, {reinterpret_cast<const char*>(fields.data()[at].name),
                                  fields.data()[at].namelen}) &&
        field.value == std::string_view{reinterpret_cast<const char*>(fields.data()[at].value),
                                        fields.data()[at].valuelen};
    if (unsure) {
      at += there && passes && equals_lower(field.name, "set-cookie") ? 1U : 0U;
    } else if (passes) {
      must(there);
      ++at;
    }
  }
  must(at == fields.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  const auto parts = fuzz::split_lines(input, 5);
  if (!parts[1].empty()) {
    requests(parts[0], parts[1], parts[2], parts[3], split(parts[4]));
  }
  responses(input);
  return 0;
}
