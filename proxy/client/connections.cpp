#include "client/connections.hpp"

#include "client/connection.hpp"

namespace keepsake {

namespace {

void link(Connection& connection, Connection*& list) {
  connection.next = list;
  if (list != nullptr) {
    list->link = &connection.next;
  }
  connection.link = &list;
  list = &connection;
}

void unlink(Connection& connection) {
  *connection.link = connection.next;
  if (connection.next != nullptr) {
    connection.next->link = connection.link;
  }
}
}  // namespace

void Connections::add(Connection& connection) {
  link(connection, connections_);
  metrics_.add(Counter::ConnectionsOpen);
}

void Connections::remove(Connection& connection) {
  unlink(connection);
  metrics_.subtract(Counter::ConnectionsOpen);
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (connection.peer.counted) {
    shared_.per_client.leave(connection.peer.address);
  }
}

void Connections::park(Connection& connection) {
  connection.parked = true;
  freed_ += connection.stream.rest() ? 1U : 0U;
  unlink(connection);
  link(connection, parked_);
}

void Connections::unpark(Connection& connection) {
  connection.parked = false;
  unlink(connection);
  link(connection, connections_);
}

Connection* Connections::next_of(const Connection& connection) {
  return connection.next;
}

}  // namespace keepsake
