#include "base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace keepsake {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
// sun_path of Linux, less its terminating NUL.
constexpr std::size_t max_unix_path = 107;
constexpr std::size_t max_host_name = 253;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.';
}

std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || stop != end || value > max) {
    return std::nullopt;
  }
  return value;
}

// A last label of digits alone makes it a number, which is an address or nothing (WHATWG URL, "ends
// in a number"): resolvers read 127.1 and 0177.0.0.1 in ways that nobody expects.
bool looks_like_ipv4(std::string_view host) {
  while (!host.empty() && host.back() == '.') {
    host.remove_suffix(1);
  }
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= max_host_name && host.front() != '.' &&
         host.front() != '-' && host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), is_name_byte);
}

std::nullopt_t fail(std::string& error, std::string_view sentence) {
  error.assign(sentence);
  return std::nullopt;
}

std::optional<SocketAddress> parse_unix(std::string_view path, std::string& error) {
  // unix:///run/x.sock is how URLs write what is unix:/run/x.sock here.
  if (path.starts_with("///")) {
    path.remove_prefix(2);
  }
  if (!path.starts_with('/') || path.starts_with("//")) {
    return fail(error, "a unix socket needs an absolute path, as in unix:/run/app.sock");
  }
  if (path.size() > max_unix_path) {
    return fail(error, "the path of a unix socket is at most 107 bytes long");
  }
  if (path.size() == 1 || path.back() == '/' || path.find('\0') != std::string_view::npos) {
    return fail(error, "the path of a unix socket must name a file");
  }
  SocketAddress address;
  address.kind = SocketAddress::Kind::Unix;
  address.path = path;
  return address;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

IpAddress ip_from_v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.bytes.begin());
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin() + 12);
  return address;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(copy.data(), text.data(), text.size());
  if (text.find(':') != std::string_view::npos) {
    IpAddress address;
    if (inet_pton(AF_INET6, copy.data(), address.bytes.data()) != 1) {
      return std::nullopt;
    }
    return address;
  }
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, copy.data(), v4.data()) != 1) {
    return std::nullopt;
  }
  return ip_from_v4(v4);
}

bool Cidr::contains(const IpAddress& address) const {
  const std::size_t whole = prefix / 8U;
  if (!std::equal(network.bytes.begin(), network.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin())) {
    return false;
  }
  const unsigned rest = prefix % 8U;
  if (rest == 0) {
    return true;
  }
  const unsigned mask = 0xFFU & (0xFFU << (8U - rest));
  return ((network.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view ip_text = text.substr(0, slash);
  const auto ip = parse_ip(ip_text);
  if (!ip) {
    return std::nullopt;
  }
  Cidr cidr{*ip, 128};
  if (slash != std::string_view::npos) {
    const bool v4 = ip_text.find(':') == std::string_view::npos;
    const std::string_view digits = text.substr(slash + 1);
    const auto prefix = parse_decimal(digits, v4 ? 32 : 128);
    if (!prefix || (digits.size() > 1 && digits.front() == '0')) {
      return std::nullopt;
    }
    cidr.prefix = static_cast<std::uint8_t>(*prefix + (v4 ? 96 : 0));
  }
  for (std::size_t bit = cidr.prefix; bit < 128; ++bit) {
    if ((cidr.network.bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) {
      return std::nullopt;
    }
  }
  return cidr;
}

std::string SocketAddress::to_string() const {
  if (kind == Kind::Unix) {
    return "unix:" + path;
  }
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<SocketAddress> parse_socket_address(std::string_view text, std::string& error) {
  if (text.starts_with("unix:")) {
    return parse_unix(text.substr(5), error);
  }
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || text.substr(close + 1, 1) != ":") {
      return fail(error, "expected [address]:port, as in [::1]:8080");
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 2);
    if (host.find(':') == std::string_view::npos || !parse_ip(host)) {
      return fail(error, "the brackets do not hold an IPv6 address");
    }
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
      return fail(error, "expected host:port, [v6]:port or unix:/path");
    }
    if (text.find(':', colon + 1) != std::string_view::npos) {
      return fail(error, "an IPv6 address stands in brackets, as in [::1]:8080");
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.empty()) {
      return fail(error, "the host is missing; 0.0.0.0 stands for every IPv4 address");
    }
    if (looks_like_ipv4(host) ? !parse_ip(host) : !is_host_name(host)) {
      return fail(error, "the host is neither a name nor an IP address");
    }
  }
  const auto number = parse_decimal(port, 65535);
  if (!number) {
    return fail(error, "the port is not a number from 0 to 65535");
  }
  SocketAddress address;
  address.host = host;
  address.port = static_cast<std::uint16_t>(*number);
  return address;
}

}  // namespace keepsake
