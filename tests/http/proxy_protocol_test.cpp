#include "http/proxy_protocol.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;
using namespace std::string_literals;

namespace {

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(unsigned version_command, unsigned family, std::string_view payload) {
  std::string out = kSignature;
  out += static_cast<char>(version_command);
  out += static_cast<char>(family);
  out += static_cast<char>(payload.size() >> 8U);
  out += static_cast<char>(payload.size() & 0xFFU);
  out += payload;
  return out;
}

const std::string kV4Block = "\xC0\x00\x02\x01\xC6\x33\x64\x02\x12\x67\x01\xBB"s;

ProxyParse parse(std::string_view input) {
  ProxyHeader header;
  return parse_proxy_header(input, header);
}

// Ok for the whole text, NeedMore for each shorter part of it.
ProxyHeader parse_whole(const std::string& text) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK(parse(std::string_view{text}.substr(0, size)) == ProxyParse::NeedMore);
  }
  ProxyHeader header;
  REQUIRE(parse_proxy_header(text + "GET / HTTP/1.1\r\n", header) == ProxyParse::Ok);
  CHECK(header.size == text.size());
  return header;
}

}  // namespace

TEST_CASE("a v1 line names both ends", "[http][proxy-protocol]") {
  const ProxyHeader v4 = parse_whole("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n");
  CHECK(v4.has_addresses);
  CHECK(v4.source.to_string() == "192.0.2.1");
  CHECK(v4.destination.to_string() == "198.51.100.2");
  CHECK(v4.source_port == 4711);
  CHECK(v4.destination_port == 443);

  const ProxyHeader v6 = parse_whole("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n");
  CHECK(v6.source.to_string() == "2001:db8::1");
  CHECK(v6.source_port == 65535);
}

TEST_CASE("an UNKNOWN v1 line has no addresses", "[http][proxy-protocol]") {
  CHECK_FALSE(parse_whole("PROXY UNKNOWN\r\n").has_addresses);
  CHECK_FALSE(parse_whole("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n").has_addresses);
}

TEST_CASE("a v1 line has at most 107 bytes", "[http][proxy-protocol]") {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
  REQUIRE(longest.size() == 107);
  CHECK(parse(longest) == ProxyParse::Ok);
  CHECK(parse("PROXY UNKNOWN " + std::string(107 - 14 - 1, 'x') + "\r\n") == ProxyParse::Bad);
  CHECK(parse("PROXY UNKNOWN " + std::string(200, 'x')) == ProxyParse::Bad);
}

TEST_CASE("a malformed v1 line is refused", "[http][proxy-protocol]") {
  const std::string line = GENERATE(
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 1\r\n",
      "PROXY TCP4  192.0.2.1 198.51.100.2 4711 443\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
      "PROXY TCP4 192.0.2.01 198.51.100.2 1 443\r\n", "PROXY TCP4 a.example b.example 1 2\r\n",
      "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", "PROXY \r\n",
      "PROXY tcp4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 \r\n",
      "PROXY TCP4 1.1.1.1 1.1.1.1 1 \r\n");
  CAPTURE(line);
  CHECK(parse(line) == ProxyParse::Bad);
}

TEST_CASE("what begins otherwise is refused at its first wrong byte", "[http][proxy-protocol]") {
  CHECK(parse("GET / HTTP/1.1\r\n") == ProxyParse::Bad);
  CHECK(parse("PROXx") == ProxyParse::Bad);
  CHECK(parse("\r\n\r\nG") == ProxyParse::Bad);
  CHECK(parse("") == ProxyParse::NeedMore);
}

TEST_CASE("a v2 header names both ends", "[http][proxy-protocol]") {
  const ProxyHeader v4 = parse_whole(v2(0x21, 0x11, kV4Block));
  CHECK(v4.has_addresses);
  CHECK(v4.source.to_string() == "192.0.2.1");
  CHECK(v4.destination.to_string() == "198.51.100.2");
  CHECK(v4.source_port == 4711);
  CHECK(v4.destination_port == 443);

  const std::string one = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01";
  const ProxyHeader v6 = parse_whole(v2(0x21, 0x21, one + one + "\x00\x50\x1f\x90"s));
  CHECK(v6.source.to_string() == "2001:db8::1");
  CHECK(v6.source_port == 80);
  CHECK(v6.destination_port == 8080);
}

TEST_CASE("a v2 header without IP addresses leaves the peer's", "[http][proxy-protocol]") {
  CHECK_FALSE(parse_whole(v2(0x20, 0x00, "")).has_addresses);
  CHECK_FALSE(parse_whole(v2(0x20, 0x11, kV4Block)).has_addresses);  // LOCAL: the block is skipped
  CHECK_FALSE(parse_whole(v2(0x20, 0x55, "abc")).has_addresses);
  CHECK_FALSE(parse_whole(v2(0x21, 0x00, "abc")).has_addresses);
  CHECK_FALSE(parse_whole(v2(0x21, 0x31, std::string(216, '\0'))).has_addresses);
  CHECK_FALSE(parse_whole(v2(0x21, 0x12, kV4Block)).has_addresses);
}

TEST_CASE("a v2 header whose lengths lie is refused", "[http][proxy-protocol]") {
  CHECK(parse(v2(0x21, 0x11, kV4Block.substr(1))) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x21, kV4Block)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x31, std::string(215, 'x'))) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x04\x00\x05"s + "abcd")) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x04"s)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x11, std::string(kMaxProxyV2Payload + 1, '\0'))) == ProxyParse::Bad);
  // Too long is known before the payload is there.
  CHECK(parse(kSignature + "\x21\x11\xff\xff"s) == ProxyParse::Bad);
}

TEST_CASE("a v2 header of another version, command or family is refused",
          "[http][proxy-protocol]") {
  CHECK(parse(v2(0x11, 0x11, kV4Block)) == ProxyParse::Bad);
  CHECK(parse(v2(0x31, 0x11, kV4Block)) == ProxyParse::Bad);
  CHECK(parse(v2(0x22, 0x11, kV4Block)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x41, kV4Block)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x13, kV4Block)) == ProxyParse::Bad);
}

TEST_CASE("extensions of a v2 header are skipped when they fit", "[http][proxy-protocol]") {
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x04\x00\x04"s + "abcd" + "\x02\x00\x00"s)) ==
        ProxyParse::Ok);
}

TEST_CASE("a v2 header can say that the client came over TLS", "[http][proxy-protocol]") {
  const std::string version = "\x21\x00\x07TLSv1.3"s;
  const auto ssl = [](char flags, const std::string& more) {
    const std::string value = std::string(1, flags) + "\0\0\0\0"s + more;
    return "\x20\x00"s + static_cast<char>(value.size()) + value;
  };
  const std::string unique_id = "\x05\x00\x02id"s;
  CHECK_FALSE(parse_whole(v2(0x21, 0x11, kV4Block)).tls);
  CHECK(parse_whole(v2(0x21, 0x11, kV4Block + ssl(1, version))).tls);
  CHECK(parse_whole(v2(0x21, 0x11, kV4Block + unique_id + ssl(7, ""))).tls);
  CHECK_FALSE(parse_whole(v2(0x21, 0x11, kV4Block + ssl(0, version))).tls);
  CHECK_FALSE(parse_whole(v2(0x21, 0x11, kV4Block + ssl(6, version))).tls);
  CHECK(parse_whole(v2(0x21, 0x31, std::string(216, 'x') + ssl(1, ""))).tls);
  CHECK(parse_whole(v2(0x21, 0x00, ssl(1, ""))).tls);
  // What is not passed on as TLS cannot say it.
  CHECK_FALSE(parse_whole(v2(0x20, 0x11, kV4Block + ssl(1, ""))).tls);
  CHECK_FALSE(parse_whole("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n").tls);
}

TEST_CASE("what a v2 header says of TLS has its size and is said once", "[http][proxy-protocol]") {
  const std::string ssl = "\x20\x00\x05\x01\0\0\0\0"s;
  CHECK(parse(v2(0x21, 0x11, kV4Block + ssl)) == ProxyParse::Ok);
  CHECK(parse(v2(0x21, 0x11, kV4Block + ssl + ssl)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x20\x00\x04\x01\0\0\0"s)) == ProxyParse::Bad);
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x20\x00\x00"s)) == ProxyParse::Bad);
}

TEST_CASE("a checksum in a v2 header has to be right", "[http][proxy-protocol]") {
  // Computed with an independent CRC-32C over the header with a zero checksum.
  const std::string good = kV4Block + "\x03\x00\x04"s + "\x1E\xAF\x4B\xAA"s;
  CHECK(parse(v2(0x21, 0x11, good)) == ProxyParse::Ok);
  for (std::size_t i = 0; i < kV4Block.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK(parse(v2(0x21, 0x11, bad)) == ProxyParse::Bad);
  }
  CHECK(parse(v2(0x21, 0x11, kV4Block + "\x03\x00\x00"s)) == ProxyParse::Bad);
}
