#pragma once
// One client link: its stream, who is at the other end, and the loop over its exchanges. Owned by
// its own coroutine (serve_connection); the worker only keeps it in a list for the sweep and the
// drain.

#include <cstdint>
#include <memory>
#include <string>

#include "backend/authenticated_connections.hpp"
#include "base/address.hpp"
#include "base/stream.hpp"
#include "base/task.hpp"
#include "server/client.hpp"

namespace keepsake {

class Worker;
struct Front;

// The two ends of a client connection, as the kernel or a PROXY header tells them.
struct Peer {
  IpAddress address;  // the client's; all zero on a unix socket
  std::uint16_t port = 0;
  std::uint16_t local_port = 0;  // 0 on a unix socket
  bool is_unix = false;
  bool tls = false;
  bool trusted = false;      // the peer's own address is in trusted_proxies
  bool counted = false;      // in SharedCounts::per_client
  std::string text;          // address as text; "unix:" for a unix socket
  std::string forwarded;     // the X-Forwarded-For/-Proto/-Port lines of an untrusted peer
  std::string subject_line;  // the header with the subject of a verified client certificate
};

// Sets the texts of a peer by its other members.
void describe(Peer& peer);

struct Connection final : private ReadSpace {
  Connection(Worker& worker, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Worker& worker;
  Stream stream;
  Peer peer;
  AuthenticatedConnections authenticated;
  Client client;                 // of its exchanges, one after the other
  std::uint8_t idle_sweeps = 0;  // how often the sweep saw it idle
  bool parked = false;           // the sweep does not look at it any more

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
Task<void> refuse_connection(Worker& worker, int fd, int family);

// Serves `fd`, which came to `front` of the worker's current view, until it closes. Takes ownership
// of the descriptor.
Task<void> serve_connection(Worker& worker, int fd, int family, Peer peer, const Front& front,
                            std::shared_ptr<const View> keeps_front);

}  // namespace keepsake
