#pragma once
// Which server of a backend an exchange goes to. One object per worker, configuration and backend.
// What can be known before a request comes is worked out whenever a server comes, goes or changes
// its share; a choice then costs some tens of nanoseconds and allocates nothing.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backend/hash_ring.hpp"
#include "backend/server_pool.hpp"
#include "backend/turns.hpp"
#include "base/random.hpp"

namespace keepsake {

// The servers that an exchange has tried in vain.
class Tried {
 public:
  void add(const ServerPool& server);
  bool has(const ServerPool& server) const;

 private:
  std::array<const ServerPool*, 10> servers_{};  // as many as retry.attempts allows
  std::size_t count_ = 0;
};

struct Choice {
  enum class Verdict : std::uint8_t {
    Server,    // `slot` is held
    NoServer,  // the health checks say that all are ill
    Full,      // max_requests are in flight everywhere
    Tried,     // no other is left
  };
  Verdict verdict = Verdict::NoServer;
  Slot slot;
};

class Balancer {
 public:
  // `ring` is for session_hash and shared; `changes` as in PoolContext.
  Balancer(const BackendConfig& config, std::vector<std::shared_ptr<ServerPool>> servers,
           std::shared_ptr<const HashRing> ring, std::shared_ptr<BackendLoad> load, Random& random,
           const std::uint64_t& changes);

  const BackendConfig& config() const { return config_; }
  const std::vector<std::shared_ptr<ServerPool>>& servers() const { return servers_; }
  bool has(const ServerPool& server) const;
  QueueDesk& desk() { return *load_->desk; }

  // A server that may take one more request, and the right to send it. Never one that the health
  // checks found ill; one that was left out for its connect failures only when no other is left:
  // trying beats refusing. `place` is where the visitor stands on the ring, if there is one.
  Choice choose(std::optional<std::uint64_t> place, const Tried& tried);

  // A connect failed. Enough of them in a row and the server is left out for a while, unless it is
  // the last one that can be used.
  void count_failure(ServerPool& server, SteadyTime now);

 private:
  void work_out();
  ServerPool& at(std::size_t i) const { return *servers_[usable_[i]]; }
  std::size_t less_busy();
  Choice choose_by_ring(std::uint64_t place, const Tried& tried);
  bool admits(std::size_t server, std::uint64_t place) const;
  Choice choose_from(std::size_t first, const Tried& tried);

  const BackendConfig& config_;
  std::vector<std::shared_ptr<ServerPool>> servers_;
  std::shared_ptr<const HashRing> ring_;
  std::shared_ptr<BackendLoad> load_;
  Random& random_;
  const std::uint64_t& changes_;

  // Worked out when `changes_` was this:
  std::uint64_t seen_ = 0;
  std::vector<std::uint32_t> usable_;   // indices
  std::vector<std::uint32_t> spare_;    // those left out, but not ill, while others are usable
  std::vector<std::uint32_t> weights_;  // of usable_, slow start included
  std::vector<std::uint32_t> turns_;    // one round of round_robin, as places in usable_
  std::size_t next_turn_ = 0;
  std::vector<AliasColumn> columns_;  // least_requests: over usable_
  // session_hash: of every server, 10 but in its slow start; 0: not usable.
  std::vector<std::uint8_t> tenths_;
  std::uint64_t weight_sum_ = 0;  // of the usable ones, as configured
};

}  // namespace keepsake
