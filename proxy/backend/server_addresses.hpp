#pragma once
// The addresses of one server as one worker uses them: in turn, those that failed lately last. An
// address that is dead costs its connect timeout now and then, not every second request.

#include <vector>

#include "base/clock.hpp"
#include "io/endpoint.hpp"

namespace keepsake {

class ServerAddresses {
 public:
  explicit ServerAddresses(std::vector<Endpoint> endpoints) { set(std::move(endpoints)); }

  // From now on these. What is known of those that stay is kept.
  void set(std::vector<Endpoint> endpoints);
  std::size_t size() const { return all_.size(); }
  bool has(const Endpoint& endpoint) const;

  // What to try, one after the other, for one new link; each call begins with another address.
  std::vector<Endpoint> order(SteadyTime now);
  // It comes last until then, if there is another.
  void failed(const Endpoint& endpoint, SteadyTime until);
  void worked(const Endpoint& endpoint) { failed(endpoint, SteadyTime::min()); }

 private:
  struct Address {
    Endpoint endpoint;
    SteadyTime avoid_until = SteadyTime::min();
  };
  std::vector<Address> all_;
  std::size_t next_ = 0;
};

}  // namespace keepsake
