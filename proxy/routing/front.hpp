#pragma once
// What a listener does with a connection before its first request, and how backends are spoken to
// by TLS: the parts of a Snapshot that hold certificates. Made with it; their files are read again
// by refresh_certificates when they change.

#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

class TlsBackend;
class TlsListener;
class TlsTicketKeys;

struct Front {
  ListenConfig listen;
  std::shared_ptr<TlsListener> tls;  // null: plain
  // Whether a connection has more to say before its first request.
  bool opens() const { return tls != nullptr || listen.proxy_protocol; }
};

struct Certificates {
  std::vector<Front> fronts;                          // by index of Config::listen
  std::vector<std::shared_ptr<TlsBackend>> backends;  // by index of Config::backends; null: plain
  std::shared_ptr<TlsBackend> redis;                  // null: plain
  std::shared_ptr<TlsBackend> sentinels;

  // Of the listener at that address; null if the configuration does not have it (any more).
  const Front* front(const ListenConfig& listen) const;
};

// What `config` needs. What `before` has by the same settings is taken over, so that links and
// pools stay, after a look at its files. False with `error` if anything cannot be made; that one
// stays null.
bool make_certificates(const Config& config, const Certificates* before,
                       const std::shared_ptr<TlsTicketKeys>& tickets, Certificates& made,
                       std::string& error);

// Reads those files again that have changed: good ones serve new handshakes, bad ones are logged
// and change nothing. Blocks on the disk: not for a worker.
void refresh_certificates(const Certificates& certificates);

}  // namespace keepsake
