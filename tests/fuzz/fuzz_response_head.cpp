// The response head against Beast's parser, as fuzz_request_head does it. Known differences: Beast
// refuses a status line without the space before an empty reason, HTTP/1.2 to 1.9 and malformed
// hop-by-hop lists.

#include "beast_head.hpp"
#include "http/framing.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

const FieldTable& names() {
  static const FieldTable table;
  return table;
}

void check_framing(const ResponseHead& head) {
  const Framing to_get = response_framing(head, false);
  const Framing to_head = response_framing(head, true);
  must(to_get.error == to_head.error && (to_get.error == 0 || to_get.error == 502));
  if (to_get.error != 0) {
    return;
  }
  must(to_head.kind == BodyKind::None);
  const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304;
  must((to_get.kind == BodyKind::None) == bodiless);
}

void check_against_beast(const ResponseHead& head, std::string_view data) {
  const Framing framing = response_framing(head, false);
  if (framing.error != 0 || head.start_line.size() < 15 || head.start_line[7] > '1') {
    return;
  }
  const fuzz::BeastHead<false> beast{data.substr(0, head.size)};
  if (beast.error == fuzz::http::error::bad_value && fuzz::has_hop_list(head)) {
    return;
  }
  must(beast.done && (!beast.error || beast.error == fuzz::http::error::need_more));
  must(static_cast<unsigned>(beast.status) == head.status && beast.version == 10 + head.minor);
  fuzz::must_have_fields(head, beast.fields);
  must(framing.kind != BodyKind::Chunked || beast.chunked());
  must(framing.kind != BodyKind::Length || *beast.content_length() == framing.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  const HeadLimits limits{2048, 20, 256};
  ResponseHead head;
  head.reset(limits.fields);
  const HeadStatus status = parse_response_head(input, limits, names(), head);
  if (status == HeadStatus::Ok) {
    must(head.size <= size && head.size <= limits.bytes && head.fields.size() <= limits.fields);
    must(head.status >= 100 && head.status <= 999);
    fuzz::check_lines(head, head.start_line, input);
    check_framing(head);
    check_against_beast(head, input);
  } else if (status == HeadStatus::NeedMore) {
    must(size < limits.bytes);
  } else {
    must(head.why[0] != '\0');
  }
  fuzz::check_resumption(input, status == HeadStatus::Ok, head,
                         [&](std::string_view part, ResponseHead& resumed) {
                           return parse_response_head(part, limits, names(), resumed);
                         });
  return 0;
}
