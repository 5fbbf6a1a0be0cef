#pragma once
// The backend connections that belong to one client connection alone. NTLM and Negotiate
// authenticate the connection and not the request (RFC 4559 6): the server takes every further
// request on it for the same user's. So such a connection serves no other client, and it closes
// with the client's. Part of a client Connection; on its worker's thread.

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "backend/server_pool.hpp"

namespace keepsake {

class AuthenticatedConnections {
 public:
  AuthenticatedConnections() = default;
  ~AuthenticatedConnections();
  AuthenticatedConnections(const AuthenticatedConnections&) = delete;
  AuthenticatedConnections& operator=(const AuthenticatedConnections&) = delete;

  // For as many backends; the oldest connection closes when there is one more.
  static constexpr std::size_t kMost = 4;

  bool empty() const { return idle_.empty(); }
  // The server of that backend to which such a connection idles; null if there is none.
  ServerPool* server_of(std::string_view backend) const;
  // The connection to that server; empty if there is none, or none that may be used. `check` as in
  // ServerPool::take_idle.
  Lease take(ServerPool& server, bool check);
  // Closes the one to that backend.
  void forget(std::string_view backend);

 private:
  friend class ServerPool;
  friend class BackendConnection;
  struct Idle {
    std::shared_ptr<ServerPool> server;  // a reload may have forgotten it
    BackendConnection* connection;
  };
  void keep(std::shared_ptr<ServerPool> server, BackendConnection* connection);
  // It ended, or said something unasked, while it idled.
  void discard(BackendConnection* connection);
  void close(std::size_t i);

  std::vector<Idle> idle_;
};

}  // namespace keepsake
