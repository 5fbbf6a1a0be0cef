#pragma once
// Turns the names of backend servers into addresses, again and again, on a thread of its own: a
// container that comes back with a new address is found without a restart, and one that does not
// exist yet is no error. Each name has its own time: none waits for another.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backend/name_service.hpp"
#include "config/config.hpp"

namespace keepsake {

class Resolver {
 public:
  // Called on the resolver's thread with every answer that has addresses and differs from the last.
  using Report = std::function<void(const ServerConfig&, const std::vector<Endpoint>&)>;
  // Answers for a name at once. Called on the resolver's thread.
  using Lookup = std::function<Resolved(const std::string& host, std::uint16_t port)>;

  struct Options {
    NameService::Options names{};
    Lookup lookup;                                     // in place of a name service
    Millis interval = Seconds{5};                      // how often `lookup` is asked
    static constexpr std::size_t kMostAddresses = 64;  // of a name; the others are left out
  };

  explicit Resolver(Report report) : Resolver(std::move(report), Options{}) {}
  Resolver(Report report, Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // From now on these servers are looked after; those that are no names are ignored. An answer for
  // a server that stays is not reported again while it is the same.
  void watch(const std::vector<BackendConfig>& backends);
  // This one too, whatever watch() says later; its answer is reported in any case. From any thread.
  // Of very many the oldest are given up.
  void watch_also(const ServerConfig& server);

 private:
  struct Entry {
    ServerConfig server;
    std::vector<Endpoint> last;
    unsigned failures = 0;  // in a row
    bool asking = false;
    bool dropped = false;  // nobody wants to know any more
    SteadyTime due{};
  };

  // All on the thread:
  void run();
  void take_over(std::vector<ServerConfig> wanted);
  void ask_those_due(SteadyTime now);
  void finish(Entry& entry, Resolved resolved);
  void report_again(const Entry& entry) const;
  Millis until_next(SteadyTime now) const;
  void wake() const;
  void need_thread();

  const Report report_;
  const Options options_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by URL
  NameService names_;
  int wake_ = -1;     // an eventfd
  std::mutex mutex_;  // guards all below
  std::vector<ServerConfig> wanted_;
  std::vector<ServerConfig> also_;   // watched besides them
  std::vector<std::string> repeat_;  // URLs whose answers are to be reported again
  bool fresh_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace keepsake
