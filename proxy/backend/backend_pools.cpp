#include "backend/backend_pools.hpp"

namespace keepsake {

BackendPools::BackendPools(asio::io_context& io, StreamList& streams, BufferPool& buffers,
                           Metrics& metrics, Random& random, BackendBook& book,
                           Http2Memory& http2_memory)
    : io_(io),
      random_(random),
      book_(book),
      context_{io,    streams,       buffers,        metrics,         changes_,
               &own_, &http2_memory, &http2_counts_, &response_limits_} {}

template <class Visit>
void BackendPools::for_each_pool(Visit visit) {
  for (const auto& [key, known] : pools_) {
    if (const std::shared_ptr<ServerPool> pool = known.lock()) {
      visit(*pool);
    }
  }
}

std::shared_ptr<BackendLoad> BackendPools::load(const std::string& backend) {
  std::shared_ptr<BackendLoad> load = loads_[backend].lock();
  if (!load) {
    load = std::make_shared<BackendLoad>(io_, book_.queue(backend));
    loads_[backend] = load;
  }
  return load;
}

std::shared_ptr<ServerPool> BackendPools::pool(const BackendConfig& backend,
                                               const ServerConfig& server) {
  std::weak_ptr<ServerPool>& known = pools_[{backend.name, server.url}];
  std::shared_ptr<ServerPool> pool = known.lock();
  if (pool) {
    pool->apply(backend);
    return pool;
  }
  pool = std::make_shared<ServerPool>(
      context_, backend, server,
      PoolShares{book_.figures(this, backend.name, server.url),
                 book_.load(backend.name, server.url), load(backend.name)});
  pool->set_endpoints(endpoints(server.url));
  known = pool;
  return pool;
}

std::unique_ptr<Balancer> BackendPools::balancer(const BackendConfig& backend,
                                                 std::shared_ptr<const HashRing> ring,
                                                 const std::shared_ptr<const TlsBackend>& tls) {
  std::vector<std::shared_ptr<ServerPool>> servers;
  for (const ServerConfig& server : backend.servers) {
    servers.push_back(pool(backend, server));
    servers.back()->use_tls(backend, server.tls ? tls : nullptr);
  }
  return std::make_unique<Balancer>(backend, std::move(servers), std::move(ring),
                                    load(backend.name), random_, changes_);
}

void BackendPools::forget_unused() {
  std::erase_if(pools_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(loads_, [](const auto& entry) { return entry.second.expired(); });
}

void BackendPools::set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) {
  endpoints_[url] = endpoints;
  for_each_pool([&url, &endpoints](ServerPool& pool) {
    if (pool.url() == url) {
      pool.set_endpoints(endpoints);
    }
  });
}

std::vector<Endpoint> BackendPools::endpoints(const std::string& url) const {
  const auto known = endpoints_.find(url);
  return known == endpoints_.end() ? std::vector<Endpoint>{} : known->second;
}

void BackendPools::set_healthy(const std::string& backend, const std::string& url, bool healthy,
                               SteadyTime now) {
  if (const auto known = pools_.find({backend, url}); known != pools_.end()) {
    if (const std::shared_ptr<ServerPool> pool = known->second.lock()) {
      pool->set_healthy(healthy, now);
    }
  }
}

void BackendPools::sweep(SteadyTime now) {
  for_each_pool([now](ServerPool& pool) { pool.sweep(now); });
  for (const auto& [backend, known] : loads_) {
    if (const std::shared_ptr<BackendLoad> load = known.lock()) {
      load->desk->sweep(now);
    }
  }
}

void BackendPools::close_idle() {
  for_each_pool([](ServerPool& pool) { pool.close_idle(); });
}

}  // namespace keepsake
