#pragma once
// How links to one server become TLS: whom to believe, the name to ask for, and the session to take
// up, which is this server's alone. Part of a ServerPool and of a health check; on one thread.

#include <memory>
#include <string>

#include "base/metrics.hpp"
#include "config/config.hpp"
#include "io/stream.hpp"
#include "io/tls_session.hpp"

namespace keepsake {

class TlsBackend;

class ServerTls {
 public:
  // What `backend` says of `server` now; `tls` may be null if the server is a plain one.
  void apply(const BackendConfig& backend, const ServerConfig& server,
             std::shared_ptr<const TlsBackend> tls);
  bool wanted() const { return wanted_; }
  // Changes when links that were made before are not to be believed any more: other settings, or
  // other files.
  unsigned epoch();
  // The handshake on a connected stream; asio::error::timed_out after the deadline, else `why`.
  Task<error_code> secure(Stream& stream, SteadyTime deadline, Metrics* metrics, std::string& why);

 private:
  bool wanted_ = false;
  std::shared_ptr<const TlsBackend> tls_;
  std::string name_;
  TlsSession session_;
  unsigned generation_ = 0;  // of the files
  unsigned epoch_ = 0;
};

}  // namespace keepsake
