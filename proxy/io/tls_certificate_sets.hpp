#pragma once
// Which of a listener's certificates a client may be shown. A name may have one certificate of each
// kind of key (ECDSA for most clients, RSA for old ones): the library then chooses by what the
// client can verify. Asked by TlsListener and by `keepsake check`.

#include <cstddef>
#include <string>
#include <vector>

namespace keepsake {

struct CertificateFacts {
  std::vector<std::string> names;  // lower case; "*.example.com" too
  int kind = 0;                    // of the key
};

// Indices, one of each kind; the earlier in the list wins within a kind.
using CertificateSet = std::vector<std::size_t>;

// For clients that ask for `name`: certificates with exactly this name, and of other kinds those
// with its first label replaced by "*". Empty: there is none for this name.
CertificateSet certificates_for(const std::vector<CertificateFacts>& all, const std::string& name);

// For clients that ask for no name or for one that no certificate has: the first, and those of
// other kinds that share a name with it.
CertificateSet default_certificates(const std::vector<CertificateFacts>& all);

// Those that are in no set: for each of their names an earlier one of the same kind is shown.
std::vector<std::size_t> unused_certificates(const std::vector<CertificateFacts>& all);

// "*.example.com" for "www.example.com"; empty for a name without a dot.
std::string wildcard_of(const std::string& name);

}  // namespace keepsake
