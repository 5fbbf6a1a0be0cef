#pragma once
// Turns the names of backend servers into addresses, again and again, on a thread of its own: a
// container that comes back with a new address is found without a restart, and one that does not
// exist yet is no error.

#include <condition_variable>
#include <functional>
#include <memory>
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
  // What the thread holds on to. getaddrinfo cannot be interrupted and may take half a minute where
  // name servers are silent: nobody waits for it at the end, so it may outlive the resolver.
  struct Shared {
    explicit Shared(Report sink) : report(std::move(sink)) {}
    const Report report;  // called with the mutex held and `stop` not set
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ServerConfig> wanted;
    bool fresh = false;
    bool stop = false;
    bool asking = false;
  };
  static void run(const std::shared_ptr<Shared>& shared);
  static void resolve(Shared& shared, Entry& entry);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace keepsake
