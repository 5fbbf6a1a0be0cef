#pragma once
// A certificate chain and its private key, read from PEM and found to belong together. The only
// code that judges certificate files: `keepsake check`, the start, a reload and a renewal all ask
// it.

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

struct TlsIdentity {
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* private_key) const { EVP_PKEY_free(private_key); }
  };
  using Certificate = std::unique_ptr<X509, Free>;

  Certificate leaf;
  std::vector<Certificate> chain;  // above the leaf
  std::unique_ptr<EVP_PKEY, Free> key;

  // The DNS names that the leaf certifies, lower case; "*.example.com" too.
  std::vector<std::string> names() const;
  // The kind of its key; the library keeps one certificate of each kind in a context.
  int kind() const { return EVP_PKEY_get_base_id(key.get()); }
  // That the leaf has ended, or not begun, as a sentence with the date; else empty.
  std::string out_of_date() const;
  // "2027-01-31"
  std::string ends() const;
};

// What is wrong with which of the two; both empty when all is well.
struct TlsIdentityProblem {
  std::string certificate;
  std::string key;
};

std::optional<TlsIdentity> read_tls_identity(std::string_view certificate_pem,
                                             std::string_view key_pem, TlsIdentityProblem& problem);

// Every certificate of a PEM file of authorities; empty with `error` if there is none or a broken
// one.
std::vector<TlsIdentity::Certificate> read_tls_authorities(std::string_view pem,
                                                           std::string& error);

}  // namespace keepsake
