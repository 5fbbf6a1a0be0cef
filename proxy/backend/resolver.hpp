#pragma once
// Turns the names of backend servers into addresses, again and again, on a thread of its own: a
// container that comes back with a new address is found without a restart, and one that does not
// exist yet is no error.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/asio.hpp"
#include "config/config.hpp"

namespace keepsake {

class Resolver {
 public:
  // Called on the resolver's thread with every answer that has addresses and differs from the last.
  using Report = std::function<void(const ServerConfig&, const std::vector<Endpoint>&)>;

  explicit Resolver(Report report);
  ~Resolver();

  // From now on these servers are looked after; those that are no names are ignored.
  void watch(const std::vector<BackendConfig>& backends);

 private:
  struct Entry {
    ServerConfig server;
    std::vector<Endpoint> last;
    bool failing = false;
  };
  void run();
  void resolve(Entry& entry);

  Report report_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ServerConfig> wanted_;
  bool fresh_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace keepsake
