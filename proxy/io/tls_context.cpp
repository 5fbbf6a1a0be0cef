#include "io/tls_context.hpp"

#include <openssl/err.h>

#include "io/tls_files.hpp"

namespace keepsake {

TlsContext new_tls_context(const SSL_METHOD* method) {
  TlsContext context{SSL_CTX_new(method)};
  if (context) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
  }
  return context;
}

std::optional<TlsIdentity> read_tls_identity_files(const std::string& certificate_file,
                                                   const std::string& key_file,
                                                   std::string& error) {
  std::string why;
  const std::optional<std::string> certificate = read_tls_file(certificate_file, why);
  if (!certificate) {
    error = certificate_file + ": cannot be read: " + why;
    return std::nullopt;
  }
  std::optional<std::string> key = read_tls_file(key_file, why);
  if (!key) {
    error = key_file + ": cannot be read: " + why;
    return std::nullopt;
  }
  TlsIdentityProblem problem;
  std::optional<TlsIdentity> read = read_tls_identity(*certificate, *key, problem);
  wipe(*key);
  if (!read) {
    error = !problem.certificate.empty() ? certificate_file + ": " + problem.certificate
                                         : key_file + ": " + problem.key;
  }
  return read;
}

bool use_tls_identity(SSL_CTX* context, const TlsIdentity& identity, std::string& error) {
  ERR_clear_error();
  bool good = SSL_CTX_use_certificate(context, identity.leaf.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1;
  for (const TlsIdentity::Certificate& above : identity.chain) {
    good = good && SSL_CTX_add1_chain_cert(context, above.get()) == 1;
  }
  if (!good) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    error = reason != nullptr ? reason : "cannot be used";
    ERR_clear_error();
  }
  return good;
}

bool use_tls_identity(SSL_CTX* context, const std::string& certificate_file,
                      const std::string& key_file, TlsIdentity& identity, std::string& error) {
  auto read = read_tls_identity_files(certificate_file, key_file, error);
  if (!read) {
    return false;
  }
  identity = std::move(*read);
  std::string why;
  if (!use_tls_identity(context, identity, why)) {
    error = certificate_file + ": " + why;
    return false;
  }
  return true;
}

bool use_tls_authorities(SSL_CTX* context, const std::string& file, bool announce,
                         std::string& text, std::string& error) {
  std::string why;
  const std::optional<std::string> read = read_tls_file(file, why);
  if (!read) {
    error = file + ": cannot be read: " + why;
    return false;
  }
  text = *read;
  const std::vector<TlsIdentity::Certificate> all = read_tls_authorities(text, why);
  if (all.empty()) {
    error = file + ": " + why;
    return false;
  }
  for (const TlsIdentity::Certificate& authority : all) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    if (announce) {
      SSL_CTX_add_client_CA(context, authority.get());
    }
  }
  ERR_clear_error();
  return true;
}

}  // namespace keepsake
