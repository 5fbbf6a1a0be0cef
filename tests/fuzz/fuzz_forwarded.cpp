// Forwarding fields. Input: four lines: peer, two X-Forwarded-For lines, Forwarded.

#include <array>
#include <string>

#include "fuzz.hpp"
#include "http/chars.hpp"
#include "http/forwarded.hpp"

using namespace keepsake;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = fuzz::split_lines(fuzz::as_text(data, size), 4);
  const std::array<Cidr, 2> trusted{*parse_cidr("10.0.0.0/8"), *parse_cidr("fd00::/8")};
  const IpAddress peer = parse_ip(lines[0]).value_or(*parse_ip("10.0.0.1"));
  const Hop hop{peer, is_trusted(peer, trusted)};
  const Hop stranger{peer, false};
  const std::array<std::string_view, 2> xff{lines[1], lines[2]};

  const IpAddress client = client_address(hop, trusted, xff);
  if (!is_trusted(peer, trusted)) {
    must(client == peer);
  }
  must(client_address(stranger, {}, xff) == peer);
  must(client_address(hop, trusted, {}) == peer);
  // An address that a proxy of ours put last is the client if it is not one of ours.
  const std::array<std::string_view, 3> more{lines[1], lines[2], "192.0.2.77"};
  must(!is_trusted(peer, trusted) ||
       client_address(hop, trusted, more).to_string() == "192.0.2.77");

  const std::array<std::string_view, 2> forwarded{lines[2], lines[3]};
  const IpAddress said = forwarded_client_address(hop, trusted, forwarded);
  must(is_trusted(peer, trusted) || said == peer);
  must(forwarded_client_address(stranger, {}, forwarded) == peer);
  const std::array<std::string_view, 3> with_last{lines[2], lines[3], "for=192.0.2.77"};
  must(!is_trusted(peer, trusted) ||
       forwarded_client_address(hop, trusted, with_last).to_string() == "192.0.2.77");

  for (const std::string_view line : lines) {
    const std::string_view last = last_list_element(line);
    must(fuzz::within(last, line) && last.find(',') == std::string_view::npos &&
         trim(last) == last);
  }
  const std::string_view port = forwarded_port(lines[3]);
  must(fuzz::within(port, lines[3]) && port.size() <= 5 && port.substr(0, 1) != "0");
  const auto proto = last_forwarded_proto(lines[3]);
  must(!proto || fuzz::within(*proto, lines[3]));
  must(!proto || proto->find('"') == std::string_view::npos);
  if (proto && !lines[3].empty()) {
    // What follows as an element of its own decides.
    must(last_forwarded_proto(std::string{lines[3]} + ", proto=https") == "https");
    must(!last_forwarded_proto(std::string{lines[3]} + ", for=x"));
  }
  return 0;
}
