#include "store/redis_slots.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <charconv>

namespace keepsake {

namespace {

using Crc16 = boost::crc_optimal<16, 0x1021, 0, 0, false, false>;

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size();
}

// Of one server in a reply of CLUSTER SLOTS: the address or name that clients are to use, and the
// port; more follows.
std::optional<RedisServer> read_server(const redisReply& entry, const RedisServer& asked) {
  if (entry.type != REDIS_REPLY_ARRAY || entry.elements < 2 ||
      entry.element[1]->type != REDIS_REPLY_INTEGER || entry.element[1]->integer <= 0 ||
      entry.element[1]->integer > 0xffff) {
    return std::nullopt;
  }
  RedisServer server{std::string{redis_text(*entry.element[0])},
                     static_cast<std::uint16_t>(entry.element[1]->integer)};
  if (server.host.empty() || server.host == "?") {
    server.host = asked.host;
  }
  return server;
}

}  // namespace

std::uint16_t redis_slot(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  Crc16 crc;
  crc.process_bytes(key.data(), key.size());
  return static_cast<std::uint16_t>(crc.checksum() % kRedisSlots);
}

std::optional<RedisRedirection> parse_redirection(std::string_view text) {
  RedisRedirection redirection;
  redirection.ask = text.starts_with("ASK ");
  if (!redirection.ask && !text.starts_with("MOVED ")) {
    return std::nullopt;
  }
  text.remove_prefix(redirection.ask ? 4 : 6);
  const std::size_t space = text.find(' ');
  const std::size_t colon = text.rfind(':');  // an IPv6 address stands without brackets
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space ||
      !read_number(text.substr(0, space), redirection.slot) || redirection.slot >= kRedisSlots ||
      !read_number(text.substr(colon + 1), redirection.server.port) ||
      redirection.server.port == 0) {
    return std::nullopt;
  }
  redirection.server.host = text.substr(space + 1, colon - space - 1);
  return redirection;
}

bool RedisSlots::read(const redisReply& reply, const RedisServer& asked) {
  RedisSlots fresh;
  if (reply.type != REDIS_REPLY_ARRAY) {
    return false;
  }
  for (std::size_t i = 0; i < reply.elements; ++i) {
    const redisReply& range = *reply.element[i];
    if (range.type != REDIS_REPLY_ARRAY || range.elements < 3 ||
        range.element[0]->type != REDIS_REPLY_INTEGER ||
        range.element[1]->type != REDIS_REPLY_INTEGER || range.element[0]->integer < 0 ||
        range.element[1]->integer >= static_cast<long long>(kRedisSlots)) {
      return false;
    }
    const std::optional<RedisServer> server = read_server(*range.element[2], asked);
    if (!server) {
      continue;  // a master without an address yet
    }
    const Index index = fresh.index_of(*server);
    for (long long slot = range.element[0]->integer; slot <= range.element[1]->integer; ++slot) {
      fresh.slots_[static_cast<std::size_t>(slot)] = index;
    }
  }
  if (fresh.empty()) {
    return false;
  }
  *this = std::move(fresh);
  return true;
}

void RedisSlots::set(std::uint16_t slot, const RedisServer& server) {
  slots_[slot] = index_of(server);
}

const RedisServer* RedisSlots::find(std::uint16_t slot) const {
  const Index index = slots_[slot];
  return index < servers_.size() ? &servers_[index] : nullptr;
}

// More servers than anybody has are a reply of something else: the last of them stands for the
// rest.
RedisSlots::Index RedisSlots::index_of(const RedisServer& server) {
  constexpr std::size_t most = 2000;
  auto known = std::find(servers_.begin(), servers_.end(), server);
  if (known == servers_.end() && servers_.size() < most) {
    known = servers_.insert(servers_.end(), server);
  }
  return static_cast<Index>(known == servers_.end() ? kNone : known - servers_.begin());
}

}  // namespace keepsake
