#pragma once
// How OpenSSL's objects are owned, and the sessions that a client takes up again; apart so that
// what only holds them need not see OpenSSL's headers.

#include <openssl/types.h>

#include <memory>

struct ssl_session_st;  // SSL_SESSION

namespace keepsake {

struct TlsFree {
  void operator()(SSL* ssl) const;
  void operator()(SSL_CTX* context) const;
  void operator()(ssl_session_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_session_st, TlsFree>;

}  // namespace keepsake
