#pragma once
// What the contexts of both directions have in common. Only for tls_listener.cpp and
// tls_backend.cpp.

#include <memory>
#include <string>

#include <optional>
#include <string>

#include "io/tls.hpp"
#include "io/tls_identity.hpp"

namespace keepsake {

using TlsContext = std::unique_ptr<SSL_CTX, TlsFree>;

// TLS 1.2 and 1.3, forward-secret AEAD suites, no compression, no renegotiation (RFC 9325).
TlsContext new_tls_context(const SSL_METHOD* method);

// What the two files hold; empty with `error`, which names the file.
std::optional<TlsIdentity> read_tls_identity_files(const std::string& certificate_file,
                                                   const std::string& key_file, std::string& error);
// Shows it to the other side, beside identities with other kinds of keys. On failure `error` says
// why.
bool use_tls_identity(SSL_CTX* context, const TlsIdentity& identity, std::string& error);
// Both; `identity` is what was read.
bool use_tls_identity(SSL_CTX* context, const std::string& certificate_file,
                      const std::string& key_file, TlsIdentity& identity, std::string& error);

// Believes what the authorities in the file have signed. `text` gets the file.
bool use_tls_authorities(SSL_CTX* context, const std::string& file, bool announce,
                         std::string& text, std::string& error);

}  // namespace keepsake
