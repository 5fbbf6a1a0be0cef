#pragma once
// One client link: its stream, who is at the other end, and the loop over its exchanges. Owned by
// its own coroutine (serve_connection); the worker only keeps it in a list for the sweep and the
// drain.

#include <cstdint>
#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/stream.hpp"
#include "base/task.hpp"

namespace keepsake {

class Worker;
struct Front;
struct Tunnel;
struct View;
struct Workspace;

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

  enum class Phase : std::uint8_t {
    Opening,  // PROXY header, TLS handshake
    Idle,     // no byte of a request yet
    Reading,  // a request's head or body is arriving
    Waiting,  // for the backend; the sweep looks whether the client is still there
    Writing,
    Tunnel,
  };

  // How the connection ends when no exchange follows.
  enum class Ending : std::uint8_t {
    Close,     // orderly, at once
    Linger,    // orderly, when the client has stopped sending: its last response survives that
    Truncate,  // the same behind an incomplete response, whose length or last chunk is missing
    Reset,     // by a reset, when the client has got what came: only that says "incomplete"
    Abandon,   // by a reset, at once: the client takes nothing any more
  };

  Worker& worker;
  Stream stream;
  Peer peer;
  std::shared_ptr<const View> view;      // the configuration of the exchange in progress
  std::unique_ptr<Workspace> workspace;  // buffers and scratch; none while idle
  Phase phase = Phase::Idle;
  std::uint16_t https_port = 0;  // redirect_to_https: where every request is sent
  std::uint8_t idle_sweeps = 0;  // how often the sweep saw it idle
  bool parked = false;           // the sweep does not look at it any more
  Ending ending = Ending::Close;
  Tunnel* tunnel = nullptr;  // in Phase::Tunnel: what the drain closes
  Stream* on_cut = nullptr;  // the backend link in use: interrupted together with this one
  std::size_t exchanges = 0;

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
