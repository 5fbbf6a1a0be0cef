#include "http/forwarded.hpp"

#include <algorithm>
#include <array>

#include "http/chars.hpp"
#include "http/origin.hpp"

namespace keepsake {
namespace {

// Reads token "=" ( token / quoted-string ) off the front (RFC 7239 4). The value comes without
// quotes. False when there is none; a quoted pair is refused, as nothing that is asked for here
// needs one.
bool take_pair(std::string_view& text, std::string_view& name, std::string_view& value) {
  const auto token_size = [](std::string_view from) {
    std::size_t size = 0;
    while (size < from.size() && is_token(from[size])) {
      ++size;
    }
    return size;
  };
  const std::size_t name_size = token_size(text);
  if (name_size == 0 || name_size == text.size() || text[name_size] != '=') {
    return false;
  }
  name = text.substr(0, name_size);
  text.remove_prefix(name_size + 1);
  if (!text.empty() && text.front() == '"') {
    const std::size_t end = text.find_first_of("\"\\", 1);
    if (end == std::string_view::npos || text[end] == '\\') {
      return false;
    }
    value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return true;
  }
  const std::size_t value_size = token_size(text);
  value = text.substr(0, value_size);
  text.remove_prefix(value_size);
  return value_size > 0;
}

bool take_number(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An address as an X-Forwarded-For element has it: bare, or with a port behind it.
std::optional<IpAddress> parse_node(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view port = text.substr(end + 1);
    if (!port.empty() && (port.front() != ':' || !take_number(port.substr(1)))) {
      return std::nullopt;
    }
    return parse_ip(text.substr(1, end - 1));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find('.') < colon) {  // 192.0.2.1:4711
    return take_number(text.substr(colon + 1)) ? parse_ip(text.substr(0, colon)) : std::nullopt;
  }
  return parse_ip(text);
}

// Of one Forwarded line; more proxies than this stand in a row nowhere.
constexpr std::size_t kMaxElements = 16;

// The node of each element's `for` (RFC 7239 5.2), element i at i % kMaxElements; an empty one
// where there is no address. False: malformed.
bool read_nodes(std::string_view line, std::array<std::optional<IpAddress>, kMaxElements>& nodes,
                std::size_t& count) {
  std::string_view rest = trim(line);
  bool empty = true;
  bool has_for = false;
  std::optional<IpAddress> node;
  const auto finish = [&] {
    if (!empty) {
      nodes[count++ % kMaxElements] = node;
    }
    empty = true;
    has_for = false;
    node.reset();
  };
  while (!rest.empty()) {
    if (rest.front() == ',') {
      finish();
      rest = trim(rest.substr(1));
      continue;
    }
    if (rest.front() == ';') {
      rest = trim(rest.substr(1));
      continue;
    }
    std::string_view name;
    std::string_view value;
    if (!take_pair(rest, name, value)) {
      return false;
    }
    empty = false;
    if (equals_lower(name, "for")) {
      if (has_for) {  // at most once per element
        return false;
      }
      has_for = true;
      node = parse_node(value);
    }
    rest = trim(rest);
    if (!rest.empty() && rest.front() != ',' && rest.front() != ';') {
      return false;
    }
  }
  finish();
  return true;
}

}  // namespace

std::string_view last_list_element(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  return trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
}

std::optional<std::string_view> last_forwarded_proto(std::string_view forwarded_header) {
  std::optional<std::string_view> proto;
  std::string_view rest = trim(forwarded_header);
  while (!rest.empty()) {
    if (rest.front() == ',') {
      proto.reset();
      rest = trim(rest.substr(1));
      continue;
    }
    if (rest.front() == ';') {
      rest = trim(rest.substr(1));
      continue;
    }
    std::string_view name;
    std::string_view value;
    if (!take_pair(rest, name, value)) {
      return std::nullopt;
    }
    if (equals_lower(name, "proto")) {
      if (proto) {  // at most once per element
        return std::nullopt;
      }
      proto = value;
    }
    rest = trim(rest);
    if (!rest.empty() && rest.front() != ',' && rest.front() != ';') {
      return std::nullopt;
    }
  }
  return proto;
}

std::optional<bool> proto_is_https(std::string_view proto) {
  if (equals_lower(proto, "https") || equals_lower(proto, "wss")) {
    return true;
  }
  if (equals_lower(proto, "http") || equals_lower(proto, "ws")) {
    return false;
  }
  return std::nullopt;
}

std::string_view forwarded_port(std::string_view text) {
  const std::string_view port = without_zeros(text);
  unsigned number = 0;
  for (const char c : port.substr(0, 6)) {
    if (c < '0' || c > '9') {
      return {};
    }
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number == 0 || number > 65535 ? std::string_view{} : port;
}

bool is_trusted(const IpAddress& address, std::span<const Cidr> trusted) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Cidr& block) { return block.contains(address); });
}

IpAddress client_address(const Hop& peer, std::span<const Cidr> trusted,
                         std::span<const std::string_view> xff_lines) {
  IpAddress client = peer.address;
  bool believed = peer.trusted;
  for (auto line = xff_lines.rbegin(); line != xff_lines.rend(); ++line) {
    std::string_view rest = *line;
    for (bool more = true; more;) {
      if (!believed) {
        return client;
      }
      const std::size_t comma = rest.rfind(',');
      more = comma != std::string_view::npos;
      const std::string_view element = trim(more ? rest.substr(comma + 1) : rest);
      rest = rest.substr(0, more ? comma : 0);
      if (element.empty()) {
        continue;
      }
      const std::optional<IpAddress> address = parse_node(element);
      if (!address) {
        return client;
      }
      client = *address;
      believed = is_trusted(client, trusted);
    }
  }
  return client;
}

IpAddress forwarded_client_address(const Hop& peer, std::span<const Cidr> trusted,
                                   std::span<const std::string_view> lines) {
  IpAddress client = peer.address;
  bool believed = peer.trusted;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    // Quotes can be read from the left only; the last elements are what counts.
    std::array<std::optional<IpAddress>, kMaxElements> nodes;
    std::size_t count = 0;
    if (!read_nodes(*line, nodes, count)) {
      return client;
    }
    for (std::size_t left = std::min(count, kMaxElements); left != 0; --left) {
      if (!believed) {
        return client;
      }
      const std::optional<IpAddress>& node = nodes[--count % kMaxElements];
      if (!node) {
        return client;
      }
      client = *node;
      believed = is_trusted(client, trusted);
    }
    if (count != 0) {
      return client;  // more hops than anybody has
    }
  }
  return client;
}

}  // namespace keepsake
