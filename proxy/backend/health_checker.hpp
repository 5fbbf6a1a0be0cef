#pragma once
// Active health checks of every server of every backend that asks for them, on a thread of its own
// for all workers. Says when a server is found ill and when it is well again; nothing is known of a
// server at first, and that counts as well.

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backend/health_probe.hpp"

namespace keepsake {

class HealthChecker {
 public:
  // Called on the checker's thread with the name of the backend and the URL of the server.
  using Report =
      std::function<void(const std::string& backend, const std::string& url, bool healthy)>;

  // `tick`: how often (in real time) it looks whether a check is due or over.
  HealthChecker(const Clock& clock, Millis tick, Report report);
  ~HealthChecker();

  // --- From the control thread:
  // From now on these. What is known of a server that stays, stays known; those that are ill are
  // reported again, since a configuration may have made the workers forget. The thread begins with
  // the first check.
  // `tls`: by index of `backends`, null for those without https:// servers.
  void watch(const std::vector<BackendConfig>& backends,
             const std::vector<std::shared_ptr<TlsBackend>>& tls);

  // --- From any thread:
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);

 private:
  using Key = std::pair<std::string, std::string>;  // backend, URL
  struct Target : ProbeTarget {
    Key key;
    bool healthy = true;
    unsigned in_a_row = 0;  // results that speak against what it is taken for
    bool checking = false;
    bool gone = false;
    SteadyTime next{};
  };

  void take_over(const std::vector<BackendConfig>& backends,
                 const std::vector<std::shared_ptr<TlsBackend>>& tls);
  std::vector<Endpoint> addresses_of(const ServerConfig& server);
  void run();
  void tick_on();
  void look();
  Task<void> check(std::shared_ptr<Target> target);
  void judge(Target& target, const std::string& why);

  const Clock& clock_;
  const Millis tick_;
  const Report report_;
  asio::io_context io_{1};
  StreamList streams_;
  BufferPool buffers_;
  asio::steady_timer timer_;
  std::map<Key, std::shared_ptr<Target>> targets_;
  std::mutex mutex_;  // guards the two below
  // Of every name that has resolved: a new target may have one of them.
  std::map<std::string, std::vector<Endpoint>> endpoints_;
  bool running_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keepsake
