#pragma once
// The other end of a client connection: what the socket, a PROXY header and the handshake say of
// it, which stays, and what a configuration makes of that, which is judged again when the
// connection takes a newer one.

#include <cstdint>
#include <string>

#include "base/address.hpp"

namespace keepsake {

struct Config;
struct ListenConfig;

struct Peer {
  // Where `address` comes from.
  enum class Source : std::uint8_t {
    FromSocket,  // the kernel
    FromHeader,  // a PROXY header names the client behind the balancer
    Unnamed,     // a PROXY header says that there is one, and does not name it
  };

  // --- What stays:
  IpAddress address;  // the client's; all zero if there is none
  std::uint16_t port = 0;
  bool is_unix = false;  // there is no address
  Source source = Source::FromSocket;
  IpAddress socket_address;      // of the socket's other end, the balancer of a PROXY header
  bool socket_is_unix = false;   // that one has no address
  bool tls = false;              // a handshake with us
  bool header_says_tls = false;  // a PROXY header: the client's connection to the balancer is TLS
  bool counted = false;          // in SharedCounts::per_client
  std::string subject;           // of a verified client certificate, percent-encoded

  // --- judge_peer:
  bool trusted = false;      // its X-Forwarded-*, Forwarded, X-Real-IP and X-Request-Id count
  bool https = false;        // the client's connection is TLS, to us or to a trusted balancer
  std::string text;          // the address as text; "unix" if there is none
  std::string forwarded;     // for an untrusted peer, up to the number of X-Forwarded-Port
  std::string subject_line;  // the header with `subject`
};

// By the configuration of the exchanges that follow. `listen` is the listener there; null if it is
// not part of that configuration, which leaves the name of the subject's header as it is.
void judge_peer(Peer& peer, const Config& config, const ListenConfig* listen);

}  // namespace keepsake
