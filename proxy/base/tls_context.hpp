#pragma once
// What the contexts of both directions have in common. Only for tls_listener.cpp and
// tls_backend.cpp.

#include <memory>
#include <string>

#include "base/tls.hpp"
#include "base/tls_identity.hpp"

namespace keepsake {

using TlsContext = std::unique_ptr<SSL_CTX, TlsFree>;

// TLS 1.2 and 1.3, forward-secret AEAD suites, no compression, no renegotiation (RFC 9325).
TlsContext new_tls_context(const SSL_METHOD* method);

// Reads the two files and shows them to the other side. On failure `error` names the file.
// `identity` is what was read.
bool use_tls_identity(SSL_CTX* context, const std::string& certificate_file,
                      const std::string& key_file, TlsIdentity& identity, std::string& error);

// Believes what the authorities in the file have signed. `text` gets the file.
bool use_tls_authorities(SSL_CTX* context, const std::string& file, bool announce,
                         std::string& text, std::string& error);

}  // namespace keepsake
