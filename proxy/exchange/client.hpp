#pragma once
// The client as one exchange sees it, whatever the protocol: what is being waited for, and what
// must end when the client is gone. A connection has one over HTTP/1, for one exchange after the
// other, and one for each stream over HTTP/2. client_side.hpp has what an exchange does with it.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"

namespace keepsake {

class AuthenticatedConnections;
class BackendConnection;
class Stream;
class Services;
struct Http2Stream;
struct Peer;
struct Tunnel;
struct View;
struct Workspace;

struct Client {
  enum class Phase : std::uint8_t {
    Opening,  // PROXY header, TLS handshake
    Idle,     // no byte of a request yet
    Reading,  // a request's head or body is arriving
    Waiting,  // for the backend; the sweep looks whether the client is still there
    Writing,
    Tunnel,
    Lingering,  // after the last response: what the client still sends is read and forgotten
  };

  // How an HTTP/1 connection ends when no exchange follows.
  enum class Ending : std::uint8_t {
    Close,     // orderly, at once
    Linger,    // orderly, when the client has stopped sending: its last response survives that
    Truncate,  // the same behind an incomplete response, whose length or last chunk is missing
    Reset,     // by a reset, when the client has got what came: only that says "incomplete"
    Abandon,   // by a reset, at once: the client takes nothing any more
  };

  // `connection` and `client` outlive it; so does `left`, which is true once the client is gone.
  Client(Services& at, Stream& connection, const Peer& client, const bool& left);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Services& services;
  Stream& wire;  // of the connection; the client side alone reads and writes it
  const Peer& peer;
  const bool& gone;                      // the client has left, or the worker ends
  std::shared_ptr<const View> view;      // the configuration of the exchange in progress
  std::unique_ptr<Workspace> workspace;  // buffers and scratch; none while idle
  Http2Stream* http2 = nullptr;          // of an HTTP/2 client; null: HTTP/1
  Phase phase = Phase::Idle;
  Ending ending = Ending::Close;
  std::uint16_t https_port = 0;                  // redirect_to_https: where every request is sent
  bool plain_at_tls = false;                     // plain http at a listener of https
  SteadyTime head_deadline = SteadyTime::max();  // of the first head, if it has begun to come
  std::size_t number = 0;                        // of the exchange on its connection, from 1
  Tunnel* tunnel = nullptr;                      // in Phase::Tunnel: what the drain closes
  BackendConnection* on_cut = nullptr;  // the one in use: interrupted with the client
  bool ends_with_bytes = false;         // in Phase::Waiting: the end of the client's bytes is a reset, too
  // Backend connections that are this client's alone; null where a connection has several clients.
  AuthenticatedConnections* authenticated = nullptr;
};

}  // namespace keepsake
