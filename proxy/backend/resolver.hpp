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

// What a name service says: addresses, or why there are none.
struct Resolved {
  std::vector<Endpoint> endpoints;
  std::string error;  // empty: it answered
};

class Resolver {
 public:
  // Called on the resolver's thread with every answer that has addresses and differs from the last.
  using Report = std::function<void(const ServerConfig&, const std::vector<Endpoint>&)>;
  // Asks for a name; may block. Called on the resolver's thread.
  using Lookup = std::function<Resolved(const std::string& host, std::uint16_t port)>;

  struct Options {
    Lookup lookup;                 // empty: getaddrinfo
    Millis interval = Seconds{5};  // getaddrinfo tells no lifetime of its answers
    static constexpr std::size_t kMostAddresses = 64;  // of a name; the others are left out
  };

  explicit Resolver(Report report) : Resolver(std::move(report), Options{}) {}
  Resolver(Report report, Options options);
  ~Resolver();

  // From now on these servers are looked after; those that are no names are ignored. An answer for
  // a server that stays is not reported again while it is the same.
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
    Shared(Report sink, Options given) : report(std::move(sink)), options(std::move(given)) {}
    const Report report;  // called with the mutex held and `stop` not set
    const Options options;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ServerConfig> wanted;
    bool fresh = false;
    bool stop = false;
    bool asking = false;
  };
  static void run(const std::shared_ptr<Shared>& shared);
  static void resolve(Shared& shared, Entry& entry);
  static std::vector<Entry> take_over(const std::vector<ServerConfig>& wanted,
                                      std::vector<Entry> before);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace keepsake
