// The cross-site question and the Host it rests on. Input: four lines: Host, Origin, Referer,
// Sec-Fetch-Site; an empty line is an absent field.

#include <array>
#include <string>

#include "fuzz.hpp"
#include "http/cross_site.hpp"
#include "http/origin.hpp"
#include "http/target.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

std::optional<std::string_view> present(std::string_view line) {
  return line.empty() ? std::nullopt : std::optional{line};
}

void check_host(std::string_view host) {
  const auto parsed = parse_host(host);
  if (!parsed) {
    return;
  }
  must(!parsed->host.empty() && host.substr(0, parsed->host.size()) == parsed->host);
  must(host.find_first_of(" ,@/\\\t\r\n#?\"") == std::string_view::npos);
  const std::string_view rest = host.substr(parsed->host.size());
  must(rest.empty() ? parsed->port.empty() : rest.substr(1) == parsed->port && rest[0] == ':');

  SiteHints hints;
  hints.host = host;
  must(!cross_site(hints));
  const std::string origin = "https://" + std::string{host};
  hints.origin = origin;
  must(!cross_site(hints));
  const std::string other = "https://x" + std::string{host};
  hints.origin = other;
  must(cross_site(hints));
  hints.origin = "null";
  must(cross_site(hints));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = fuzz::split_lines(fuzz::as_text(data, size), 4);
  check_host(lines[0]);
  SiteHints hints;
  hints.host = lines[0];
  hints.origin = present(lines[1]);
  hints.referer = present(lines[2]);
  hints.sec_fetch_site = present(lines[3]);
  const bool refused = cross_site(hints);
  for (const std::string& said : {page_of(hints), site_of(hints)}) {
    must(said.find_first_of("\r\n<>\"") == std::string::npos && said.size() < 300);
  }
  // An origin passes where it is listed, and only as a whole.
  const std::array<std::string, 1> listed{std::string{lines[1]}};
  must(!hints.origin || !parse_origin(lines[1]) || !cross_site(hints, listed));
  hints.origin = "null";
  must(!hints.sec_fetch_site || cross_site(hints) == cross_site(hints, listed));
  hints.origin = present(lines[1]);
  if (hints.sec_fetch_site) {
    must(refused == (lines[3] != "same-origin" && lines[3] != "none"));
  } else if (hints.origin && !refused) {
    must(parse_host(lines[0]) && lines[1].find(' ') == std::string_view::npos);
    must(lines[1].substr(0, 4) != "null" || (lines[1] == "null" && hints.referer));
  } else if (!hints.origin && !hints.referer) {
    must(!refused);
  }
  return 0;
}
