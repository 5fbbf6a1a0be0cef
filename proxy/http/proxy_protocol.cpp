#include "http/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace keepsake {
namespace {

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Max = 107;
constexpr std::string_view kV2Start{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kV2Fixed = 16;
constexpr std::uint8_t kTlvCrc32c = 0x03;
constexpr std::uint8_t kTlvSsl = 0x20;
constexpr std::uint8_t kClientSsl = 0x01;  // of its first byte: the client came over TLS

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>(byte_at(bytes, i) << 8U | byte_at(bytes, i + 1));
}

// Up to the next space, which is taken too; the last word runs to the end.
std::string_view take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port > 65535 ? std::nullopt : std::optional{static_cast<std::uint16_t>(port)};
}

bool parse_v1_addresses(std::string_view line, bool v6, ProxyHeader& header) {
  const std::size_t spaces = static_cast<std::size_t>(std::count(line.begin(), line.end(), ' '));
  const std::string_view source_text = take_word(line);
  const std::string_view destination_text = take_word(line);
  const auto is_v6 = [](std::string_view text) { return text.find(':') != std::string_view::npos; };
  const auto source = parse_ip(source_text);
  const auto destination = parse_ip(destination_text);
  const auto source_port = parse_port(take_word(line));
  const auto destination_port = parse_port(take_word(line));
  if (spaces != 3 || !source || !destination || !source_port || !destination_port ||
      is_v6(source_text) != v6 || is_v6(destination_text) != v6) {
    return false;
  }
  header = {true, false, false, *source, *destination, *source_port, *destination_port, 0};
  return true;
}

ProxyParse parse_v1(std::string_view input, ProxyHeader& header) {
  const std::size_t end = input.substr(0, kV1Max).find("\r\n");
  if (end == std::string_view::npos) {
    return input.size() >= kV1Max ? ProxyParse::Bad : ProxyParse::NeedMore;
  }
  std::string_view line = input.substr(kV1Start.size(), end - kV1Start.size());
  ProxyHeader parsed;
  const std::string_view family = take_word(line);
  if (family == "TCP4" || family == "TCP6") {
    if (!parse_v1_addresses(line, family == "TCP6", parsed)) {
      return ProxyParse::Bad;
    }
  } else if (family != "UNKNOWN") {
    return ProxyParse::Bad;
  }
  header = parsed;
  header.size = end + 2;
  return ProxyParse::Ok;
}

IpAddress address_at(std::string_view block, std::size_t at, std::size_t size) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = byte_at(block, at + i);
  }
  return size == 4 ? ip_from_v4(std::span<const std::uint8_t, 4>{bytes.data(), 4})
                   : IpAddress{bytes};
}

// CRC-32C over the whole header, the four bytes of the checksum itself taken as zero.
std::uint32_t crc32c(std::string_view bytes, std::size_t checksum_at) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= checksum_at && i < checksum_at + 4 ? 0U : byte_at(bytes, i);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  return ~crc;
}

// Extensions fill the rest of the header exactly, a checksum among them is right, and what they say
// of TLS is said once: a byte of flags, the result of the client's verification in four, and
// details that nothing here asks for.
bool read_extensions(std::string_view whole, std::size_t at, bool& tls) {
  bool has_ssl = false;
  while (at < whole.size()) {
    if (whole.size() - at < 3) {
      return false;
    }
    const std::size_t size = u16_at(whole, at + 1);
    const std::size_t value = at + 3;
    if (whole.size() - value < size) {
      return false;
    }
    if (byte_at(whole, at) == kTlvCrc32c) {
      const std::uint32_t sent =
          size == 4
              ? static_cast<std::uint32_t>(u16_at(whole, value)) << 16U | u16_at(whole, value + 2)
              : 0U;
      if (size != 4 || sent != crc32c(whole, value)) {
        return false;
      }
    } else if (byte_at(whole, at) == kTlvSsl) {
      if (has_ssl || size < 5) {
        return false;
      }
      has_ssl = true;
      tls = (byte_at(whole, value) & kClientSsl) != 0;
    }
    at = value + size;
  }
  return true;
}

bool parse_v2_block(std::string_view whole, unsigned family, ProxyHeader& header) {
  const std::string_view block = whole.substr(kV2Fixed);
  std::size_t used = 0;
  switch (family) {
    case 0x00: {  // unspecified: what follows may have any form
      bool tls = false;
      header.tls = read_extensions(whole, kV2Fixed, tls) && tls;
      return true;
    }
    case 0x11:    // TCP over IPv4
    case 0x21: {  // TCP over IPv6
      const std::size_t size = family == 0x11 ? 4 : 16;
      used = 2 * size + 4;
      if (block.size() < used) {
        return false;
      }
      header = {true,
                false,
                false,
                address_at(block, 0, size),
                address_at(block, size, size),
                u16_at(block, 2 * size),
                u16_at(block, 2 * size + 2),
                0};
      break;
    }
    case 0x12:  // datagrams have no place on a connection, but the sender knows what it relays
      used = 12;
      break;
    case 0x22:
      used = 36;
      break;
    case 0x31:  // Unix sockets: two paths of 108 bytes
    case 0x32:
      used = 216;
      break;
    default:
      return false;
  }
  return block.size() >= used && read_extensions(whole, kV2Fixed + used, header.tls);
}

ProxyParse parse_v2(std::string_view input, ProxyHeader& header) {
  if (input.size() < kV2Fixed) {
    return ProxyParse::NeedMore;
  }
  const unsigned version_command = byte_at(input, 12);
  const std::size_t payload = u16_at(input, 14);
  if ((version_command != 0x20 && version_command != 0x21) || payload > kMaxProxyV2Payload) {
    return ProxyParse::Bad;
  }
  if (input.size() < kV2Fixed + payload) {
    return ProxyParse::NeedMore;
  }
  ProxyHeader parsed;
  // LOCAL (0x20) is the balancer's own connection, a health check: what follows is to be skipped.
  if (version_command == 0x21 &&
      !parse_v2_block(input.substr(0, kV2Fixed + payload), byte_at(input, 13), parsed)) {
    return ProxyParse::Bad;
  }
  header = parsed;
  header.local = version_command == 0x20;
  header.size = kV2Fixed + payload;
  return ProxyParse::Ok;
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view input, ProxyHeader& header) {
  const auto begins = [&](std::string_view start) {
    const std::size_t size = std::min(input.size(), start.size());
    return input.substr(0, size) == start.substr(0, size);
  };
  if (begins(kV1Start)) {
    return input.size() < kV1Start.size() ? ProxyParse::NeedMore : parse_v1(input, header);
  }
  return begins(kV2Start) ? parse_v2(input, header) : ProxyParse::Bad;
}

}  // namespace keepsake
