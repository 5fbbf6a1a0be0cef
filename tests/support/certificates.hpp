#pragma once
// Certificates for a test, made on the spot: an authority, and what it (or nobody) signs, as PEM
// files in a folder that goes with the object.

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake::test {

class Certificates {
 public:
  struct Pair {
    std::string certificate, key;  // paths
  };

  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  const std::string& folder() const { return folder_; }
  std::string authority() const { return folder_ + "/ca.crt"; }

  // A certificate for DNS names (the first is its CN too), or with another subject `CN=...`. From
  // `begins` to `ends` days from now.
  Pair make(const std::string& file, const std::vector<std::string>& names, int begins = -1,
            int ends = 30);
  // Writes any text into the folder; its path.
  std::string write(const std::string& file, std::string_view text) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  std::string folder_;
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> authority_;
};

// A client or server end of TLS for a test, over a blocking descriptor that somebody else owns.
class TlsEnd {
 public:
  struct Options {
    bool server = false;
    std::string authority;   // file; verifies the peer
    Certificates::Pair own;  // shown to the peer
    std::string name;        // client: asked for and verified
    int min_version = 0, max_version = 0;
    void* session = nullptr;  // SSL_SESSION* to take up; client
  };
  TlsEnd(int fd, const Options& options);
  ~TlsEnd();
  TlsEnd(const TlsEnd&) = delete;
  TlsEnd& operator=(const TlsEnd&) = delete;

  // False, with `why`, if it fails.
  bool handshake(std::string& why);
  bool send(std::string_view bytes);
  // At most that many; empty at the end.
  std::string receive(std::size_t most);
  // Until `marker` has come, or the end.
  std::string receive_until(std::string_view marker);
  // What the last receive() ended in: "close_notify", "eof" (without a word) or "error".
  const std::string& ending() const { return ending_; }
  void say_end();
  void* raw() { return ssl_; }

 private:
  void* context_;
  void* ssl_;
  std::string ending_;
};

}  // namespace keepsake::test
