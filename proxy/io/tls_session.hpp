#pragma once
// How OpenSSL's objects are owned, and the TLS session that the next connection to one server
// resumes; apart so that what only holds them need not see OpenSSL's headers.

#include <openssl/types.h>

#include <memory>

struct ssl_session_st;  // SSL_SESSION

namespace keepsake {

struct TlsFree {
  void operator()(SSL* ssl) const;
  void operator()(SSL_CTX* context) const;
  void operator()(ssl_session_st* session) const;
};

// The place of one server's TLS session. A resumed handshake verifies no certificate: the session
// stands for what was verified when it began. So a session is kept for the settings and the files
// that it was established under, and for no others: each connection knows the epoch of the place
// that it was made in, and a ticket that arrives in a later epoch is not taken.
class TlsSession {
 public:
  // Other settings hold from now on: what was kept is forgotten, and what connections made before
  // still bring is refused.
  void begin_epoch() {
    kept_.reset();
    ++epoch_;
  }
  // What was kept was of no use; the settings are the same.
  void forget() { kept_.reset(); }
  // Of this epoch; takes it over.
  void keep(ssl_session_st* session) { kept_.reset(session); }
  ssl_session_st* get() const { return kept_.get(); }
  explicit operator bool() const { return kept_ != nullptr; }
  unsigned epoch() const { return epoch_; }

 private:
  friend class TlsBackend;
  std::unique_ptr<ssl_session_st, TlsFree> kept_;
  unsigned epoch_ = 0;
  unsigned files_ = 0;  // the state of the backend's files that `epoch_` belongs to
};

}  // namespace keepsake
