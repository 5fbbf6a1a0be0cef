#pragma once
// One worker's links to every server of every backend. A configuration that is taken into use gets
// its Balancers here; a server that it shares with the one before keeps its pool, with idle links,
// requests in flight, and what is known of its health.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend_book.hpp"
#include "backend/balancer.hpp"
#include "http2/backend_counts.hpp"

namespace keepsake {

class BackendPools {
 public:
  BackendPools(asio::io_context& io, StreamList& streams, BufferPool& buffers, Metrics& metrics,
               Random& random, BackendBook& book, Http2Memory& http2_memory);

  // `ring`: of a backend with session_hash, else null. `tls`: of one with https:// servers. The
  // configuration outlives the balancer.
  std::unique_ptr<Balancer> balancer(const BackendConfig& backend,
                                     std::shared_ptr<const HashRing> ring,
                                     const std::shared_ptr<const TlsBackend>& tls);
  // What no configuration in use needs any more is forgotten.
  void forget_unused();

  // Where this process listens, from now on: no server of a backend is looked for there.
  void set_own_addresses(OwnAddresses own) { own_ = std::move(own); }
  // The largest head of a response, from now on.
  void set_response_limits(const HeadLimits& limits) { response_limits_ = limits; }
  const Http2BackendCounts& http2_counts() const { return http2_counts_; }
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);
  // The last addresses of a name; empty if it never resolved.
  std::vector<Endpoint> endpoints(const std::string& url) const;
  void set_healthy(const std::string& backend, const std::string& url, bool healthy,
                   SteadyTime now);

  // Twice a second: closes old links, ends waits, brings every server's standing up to date.
  void sweep(SteadyTime now);
  void close_idle();

 private:
  std::shared_ptr<ServerPool> pool(const BackendConfig& backend, const ServerConfig& server);
  std::shared_ptr<BackendLoad> load(const std::string& backend);
  template <class Visit>
  void for_each_pool(Visit visit);

  asio::io_context& io_;
  Random& random_;
  BackendBook& book_;
  std::uint64_t changes_ = 0;
  OwnAddresses own_;
  Http2BackendCounts http2_counts_;
  HeadLimits response_limits_;
  PoolContext context_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<ServerPool>> pools_;  // backend, URL
  std::map<std::string, std::weak_ptr<BackendLoad>> loads_;
  std::map<std::string, std::vector<Endpoint>> endpoints_;  // by URL
};

}  // namespace keepsake
