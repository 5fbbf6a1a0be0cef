#pragma once
// Which server of a Redis Cluster has which key: 16 384 slots, each of one server. Pure; filled by
// redis_cluster from CLUSTER SLOTS and corrected by redirections.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "store/redis_protocol.hpp"

namespace keepsake {

inline constexpr std::size_t kRedisSlots = 16'384;

// CRC-16/XMODEM of the key, or of what stands in its first {braces}, modulo the number of slots.
std::uint16_t redis_slot(std::string_view key);

// "MOVED 3999 10.0.0.7:6381" and "ASK 3999 10.0.0.7:6381".
struct RedisRedirection {
  bool ask = false;  // for this once; MOVED: from now on
  std::uint16_t slot = 0;
  RedisServer server;  // an empty host: the one that said so
};
std::optional<RedisRedirection> parse_redirection(std::string_view text);

class RedisSlots {
 public:
  // Takes over what a reply of CLUSTER SLOTS says; false, and nothing is changed, if it says
  // nothing of the kind. An address that is left out is that of `asked`.
  bool read(const redisReply& reply, const RedisServer& asked);
  void set(std::uint16_t slot, const RedisServer& server);
  // Null: no server has it, as far as is known.
  const RedisServer* find(std::uint16_t slot) const;
  // Every server that has a slot, once.
  const std::vector<RedisServer>& servers() const { return servers_; }
  bool empty() const { return servers_.empty(); }

 private:
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xffff;

  Index index_of(const RedisServer& server);

  std::vector<RedisServer> servers_;
  std::vector<Index> slots_ = std::vector<Index>(kRedisSlots, kNone);
};

}  // namespace keepsake
