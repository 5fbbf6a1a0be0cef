#pragma once
// The client connections of one worker, and what they use of it beside their exchanges.

#include <memory>

#include "exchange/services.hpp"

namespace keepsake {

class ListeningSocket;
struct Connection;
struct Front;
struct Peer;

class Connections : public Services {
 public:
  void add(Connection& connection);
  void remove(Connection& connection);
  // A parked connection has idled for a while; the sweep does not look at it.
  void unpark(Connection& connection);
  // Until when a connection without a request may wait for one; only while draining.
  SteadyTime idle_until() const { return idle_until_; }

  // What the configuration says of the listener with that socket; null if it has gone.
  virtual const Front* front_at(const std::weak_ptr<const ListeningSocket>& socket) const = 0;
  // Whether limits.connections_per_client allows one more from there; counts it if so.
  virtual bool admit_client(Peer& peer) = 0;

 protected:
  using Services::Services;
  virtual ~Connections() = default;

  void park(Connection& connection);
  // `visit` may park or remove the connection that it is given.
  template <class Visit>
  void for_each_connection(Visit visit) {
    for (Connection* list : {connections_, parked_}) {
      for (Connection* connection = list; connection != nullptr;) {
        Connection* const following = next_of(*connection);  // it may come to the other list
        visit(*connection);
        connection = following;
      }
    }
  }

  Connection* connections_ = nullptr;
  Connection* parked_ = nullptr;
  SteadyTime idle_until_{};

 private:
  static Connection* next_of(const Connection& connection);
};

}  // namespace keepsake
