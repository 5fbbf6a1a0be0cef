#pragma once
// One client link: its stream, who is at the other end, and the loop over its exchanges. Owned by
// its own coroutine (serve_connection); the worker only keeps it in a list for the sweep and the
// drain.

#include <cstdint>
#include <memory>

#include "backend/authenticated_connections.hpp"
#include "exchange/client.hpp"
#include "exchange/peer.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace keepsake {

class Http2Connection;
class ListeningSocket;
class Connections;
struct Front;

struct Connection final : private ReadSpace {
  Connection(Connections& worker, Peer peer, std::weak_ptr<const ListeningSocket> socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Connections& worker;
  Stream stream;
  Peer peer;
  AuthenticatedConnections authenticated;
  std::weak_ptr<const ListeningSocket> socket;  // where it came in; empty: unknown
  Client client;                     // of its exchanges, one after the other; over HTTP/1
  Http2Connection* http2 = nullptr;  // once it is known to speak HTTP/2
  std::uint8_t idle_sweeps = 0;      // how often the sweep saw it idle
  bool parked = false;               // the sweep does not look at it any more

  // From the next exchange on the worker's configuration holds: whom it trusts, and what it says of
  // the listener.
  void take_view();
  // After `peer` has changed.
  void judge();

  // Waits for the first bytes of a request, which find their workspace then.
  Stream::ReadAwaiter next_bytes(SteadyTime deadline) { return stream.read_into(*this, deadline); }

  // The worker's list.
  Connection* next = nullptr;
  Connection** link = nullptr;

 private:
  asio::mutable_buffer take() override;
  void give_back() override;
};

// Answers 503 to a connection above a limit without looking at what it wants. Takes ownership of
// `fd`.
Task<void> refuse_connection(Connections& worker, int fd, int family);

// Serves `fd`, which came to `socket` and `front` of the worker's current view, until it closes.
// Takes ownership of the descriptor.
Task<void> serve_connection(Connections& worker, int fd, int family, Peer peer,
                            std::weak_ptr<const ListeningSocket> socket, const Front& front,
                            std::shared_ptr<const View> keeps_front);

}  // namespace keepsake
