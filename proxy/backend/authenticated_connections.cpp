#include "backend/authenticated_connections.hpp"

#include <algorithm>
#include <utility>

namespace keepsake {

AuthenticatedConnections::~AuthenticatedConnections() {
  while (!idle_.empty()) {
    close(idle_.size() - 1);
  }
}

ServerPool* AuthenticatedConnections::server_of(std::string_view backend) const {
  for (const Idle& idle : idle_) {
    if (idle.server->backend() == backend) {
      return idle.server.get();
    }
  }
  return nullptr;
}

Lease AuthenticatedConnections::take(ServerPool& server, bool check) {
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&server](const Idle& idle) {
    return idle.server.get() == &server;
  });
  if (found == idle_.end()) {
    return {};
  }
  BackendConnection* const connection = found->connection;
  idle_.erase(found);
  return server.wake(connection, check);
}

void AuthenticatedConnections::forget(std::string_view backend) {
  for (std::size_t i = 0; i < idle_.size(); ++i) {
    if (idle_[i].server->backend() == backend) {
      close(i);
      return;
    }
  }
}

void AuthenticatedConnections::keep(std::shared_ptr<ServerPool> server,
                                    BackendConnection* connection) {
  forget(server->backend());
  if (idle_.size() == kMost) {
    close(0);
  }
  idle_.push_back({std::move(server), connection});
}

void AuthenticatedConnections::discard(BackendConnection* connection) {
  const auto found = std::find_if(idle_.begin(), idle_.end(), [connection](const Idle& idle) {
    return idle.connection == connection;
  });
  close(static_cast<std::size_t>(found - idle_.begin()));
}

void AuthenticatedConnections::close(std::size_t i) {
  const Idle idle = std::move(idle_[i]);  // the server outlives its connection
  idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
  BackendConnection::destroy(idle.connection);
}

}  // namespace keepsake
