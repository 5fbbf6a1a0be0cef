#include "exchange/peer.hpp"

#include <algorithm>

#include "config/config.hpp"
#include "http/forwarded.hpp"

namespace keepsake {

namespace {

// ::/0 is everybody, whatever they come over.
bool trusts_unix(const Config& config) {
  return config.trust_unix ||
         std::any_of(config.trusted_proxies.begin(), config.trusted_proxies.end(),
                     [](const Cidr& block) { return block.prefix == 0; });
}

bool is_trusted_socket(const Peer& peer, const Config& config) {
  return peer.socket_is_unix ? trusts_unix(config)
                             : is_trusted(peer.socket_address, config.trusted_proxies);
}

// Behind a PROXY header the address that it names must be trusted too. Over a unix socket the
// header itself needs no trust.
bool is_trusted_peer(const Peer& peer, const Config& config) {
  switch (peer.source) {
    case Peer::Source::FromSocket:
      return is_trusted_socket(peer, config);
    case Peer::Source::FromHeader:
      return (peer.socket_is_unix || is_trusted_socket(peer, config)) &&
             is_trusted(peer.address, config.trusted_proxies);
    case Peer::Source::Unnamed:
      break;
  }
  return false;
}

// X-Forwarded-For has the word of RFC 7239 6.2 where there is no address.
void write_forwarded(Peer& peer) {
  peer.forwarded.assign("X-Forwarded-For: ").append(peer.is_unix ? "unknown" : peer.text);
  peer.forwarded.append("\r\nX-Forwarded-Proto: ").append(peer.https ? "https" : "http");
  peer.forwarded.append("\r\nX-Forwarded-Port: ");
}

void write_subject(Peer& peer, const ListenConfig& listen) {
  peer.subject_line.clear();
  if (!peer.subject.empty() && listen.tls && !listen.tls->client_ca.empty()) {
    peer.subject_line.assign(listen.tls->client_subject_header).append(": ");
    peer.subject_line.append(peer.subject).append("\r\n");
  }
}

}  // namespace

void judge_peer(Peer& peer, const Config& config, const ListenConfig* listen) {
  peer.trusted = is_trusted_peer(peer, config);
  peer.https = peer.tls || (peer.header_says_tls && is_trusted_socket(peer, config));
  peer.text = peer.is_unix ? "unix" : peer.address.to_string();
  write_forwarded(peer);
  if (listen != nullptr) {
    write_subject(peer, *listen);
  }
}

}  // namespace keepsake
