#include "http/host.hpp"

#include <arpa/inet.h>

#include <array>

#include "base/address.hpp"
#include "base/host_name.hpp"
#include "http/chars.hpp"
#include "http/hex.hpp"

namespace keepsake {
namespace {

// RFC 3986 3.2.2 less ',': a list of hosts is no host.
constexpr auto kRegName = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    table[c] = is_unreserved(static_cast<char>(c));
  }
  for (const char c : std::string_view{"!$&'()*+;="}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool is_reg_name(std::string_view host) {
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == '.' && i + 1 < host.size() && host[i + 1] == '.') {
      return false;
    }
    if (kRegName[static_cast<unsigned char>(host[i])]) {
      continue;
    }
    const int byte = percent_byte(host, i);
    if (byte < ' ' || byte == 0x7f) {  // no escape, or one of a control: "a%00" is "a" to some
      return false;
    }
    i += 2;
  }
  return !host.empty() && host != ".";
}

bool is_port(std::string_view port) {
  unsigned number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') {
      return false;
    }
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return port.size() <= 5 && number <= 65535;
}

// "[2001:DB8:0::1]" in the shortest text of that address; false if it is none.
bool fold_ipv6(std::string_view host, std::string& out) {
  if (!host.starts_with('[') || !host.ends_with(']')) {
    return false;
  }
  const std::optional<IpAddress> address = parse_ip(host.substr(1, host.size() - 2));
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!address || inet_ntop(AF_INET6, address->bytes.data(), text.data(), text.size()) == nullptr) {
    return false;
  }
  out.assign("[").append(text.data()).append("]");
  return true;
}

}  // namespace

std::optional<HostPort> parse_host(std::string_view value) {
  HostPort result;
  std::size_t end = value.find(':');
  if (!value.empty() && value.front() == '[') {
    end = value.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view inside = value.substr(1, end - 1);
    if (inside.find(':') == std::string_view::npos || !parse_ip(inside)) {
      return std::nullopt;
    }
    ++end;
    result.host = value.substr(0, end);
  } else {
    result.host = value.substr(0, end);
    if (!is_reg_name(result.host)) {
      return std::nullopt;
    }
  }
  if (end < value.size()) {
    if (value[end] != ':' || !is_port(value.substr(end + 1))) {
      return std::nullopt;
    }
    result.port = value.substr(end + 1);
  }
  return result;
}

void fold_host(std::string_view host, std::string& out) {
  if (fold_ipv6(host, out)) {
    return;
  }
  out.assign(host);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int byte = out[i] == '%' ? percent_byte(out, i) : -1;
    const bool decoded = byte >= 0 && is_unreserved(static_cast<char>(byte));
    out[kept++] = to_lower(decoded ? static_cast<char>(byte) : out[i]);
    i += decoded ? 2 : 0;
  }
  out.resize(kept);
  out.resize(without_root_dot(out).size());
}

bool hosts_match(std::string_view a, std::string_view b) {
  if (equals_ignoring_case(without_root_dot(a), without_root_dot(b))) {
    return true;
  }
  if (a.find_first_of("%[") == std::string_view::npos &&
      b.find_first_of("%[") == std::string_view::npos) {
    return false;
  }
  std::string left;
  std::string right;
  fold_host(a, left);
  fold_host(b, right);
  return left == right;
}

unsigned port_or(std::string_view port, unsigned missing) {
  unsigned number = 0;
  for (const char c : port) {
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return port.empty() ? missing : number;
}

bool authorities_match(std::string_view a, std::string_view b, unsigned missing) {
  const std::optional<HostPort> left = parse_host(a);
  const std::optional<HostPort> right = parse_host(b);
  return left && right && hosts_match(left->host, right->host) &&
         port_or(left->port, missing) == port_or(right->port, missing);
}

}  // namespace keepsake
