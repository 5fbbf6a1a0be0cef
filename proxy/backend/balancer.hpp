#pragma once
// Which server of a backend an exchange goes to. One object per worker and backend; decides without
// allocating, in a handful of instructions.

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/server_pool.hpp"

namespace keepsake {

class Balancer {
 public:
  Balancer(const BackendConfig& config, std::vector<std::shared_ptr<ServerPool>> servers)
      : config_(config), servers_(std::move(servers)) {}

  const BackendConfig& config() const { return config_; }
  const std::vector<std::shared_ptr<ServerPool>>& servers() const { return servers_; }

  // The next server that is not ejected and not in `tried` (a bit per index; the 64th and later
  // ones are never marked). If every one is, an ejected one: trying beats refusing. Null when all
  // were tried.
  ServerPool* choose(SteadyTime now, std::uint64_t tried, std::size_t& index);

 private:
  const BackendConfig& config_;
  std::vector<std::shared_ptr<ServerPool>> servers_;
  std::size_t next_ = 0;
};

}  // namespace keepsake
