// The request head against Beast's parser: what Keepsake accepts, Beast accepts with the same
// method, target, fields and framing. Known differences, all of them of Beast's making: it refuses
// leading empty lines, HTTP/1.2 to 1.9 and malformed hop-by-hop lists.

#include <string>

#include "beast_head.hpp"
#include "http/framing.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

const FieldTable& names() {
  static const FieldTable table{{"X-Session-Name", "X-User"}};
  return table;
}

// A name in another dress is still recognised, and known to be a disguise.
void check_disguise(const Field& field) {
  if (field.id == FieldId::Other) {
    return;
  }
  std::string other{field.name};
  bool changed = false;
  for (char& c : other) {
    if (c == '-' || c == '_' || c == '.') {
      c = c == '_' ? '.' : '_';
      changed = true;
    } else {
      c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : to_lower(c));
    }
  }
  const FieldName found = names().find(other);
  must(found.id == field.id);
  must(changed ? !found.exact : found.exact == field.exact);
}

void check_against_beast(const RequestHead& head, std::string_view data) {
  const auto start = static_cast<std::size_t>(head.start_line.data() - data.data());
  must(start == 0 || start == 2 || start == 4);
  const char minor = head.start_line[head.start_line.size() - 3];
  const Framing framing = request_framing(head);
  if (framing.error != 0 || minor > '1') {
    return;
  }
  const fuzz::BeastHead<true> beast{data.substr(start, head.size - start)};
  if (beast.error == fuzz::http::error::bad_value && fuzz::has_hop_list(head)) {
    return;
  }
  must(beast.done && (!beast.error || beast.error == fuzz::http::error::need_more));
  must(beast.method == head.method_text && beast.target == head.target);
  must(beast.version == 10 + head.minor);
  fuzz::must_have_fields(head, beast.fields);
  must(beast.chunked() == (framing.kind == BodyKind::Chunked));
  const auto length = beast.content_length();
  must(length.has_value() == framing.declared_length);
  must(!length || *length == framing.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  const HeadLimits limits{2048, 20, 256};
  RequestHead head;
  head.reset(limits.fields);
  const HeadStatus status = parse_request_head(input, limits, names(), head);
  if (status == HeadStatus::Ok) {
    must(head.size <= size && head.size <= limits.bytes && head.fields.size() <= limits.fields);
    must(head.target.size() <= limits.target && !head.target.empty() && is_token(head.method_text));
    fuzz::check_lines(head, head.start_line, input);
    for (const Field& field : head.fields) {
      check_disguise(field);
    }
    check_against_beast(head, input);
  } else if (status == HeadStatus::NeedMore) {
    must(size < limits.bytes);
  } else {
    must(head.why[0] != '\0');
  }
  fuzz::check_resumption(input, status == HeadStatus::Ok, head,
                         [&](std::string_view part, RequestHead& resumed) {
                           return parse_request_head(part, limits, names(), resumed);
                         });
  return 0;
}
