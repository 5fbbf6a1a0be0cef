#pragma once
// How the servers of one backend that are written https:// are reached and believed: the chain and
// the name are verified unless that was switched off. Shared by all workers.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/tls.hpp"
#include "io/tls_files.hpp"
#include "io/tls_listener.hpp"

namespace keepsake {

struct TlsBackendOptions {
  std::string ca;           // empty: the system's authorities
  std::string certificate;  // shown to servers that ask
  std::string key;
  bool verify = true;
  bool http2 = false;  // h2 is asked for (ALPN), and nothing else
  bool operator==(const TlsBackendOptions&) const = default;
};

class TlsBackend {
 public:
  // Null with `error`, which names the file.
  static std::shared_ptr<TlsBackend> make(TlsBackendOptions options, std::string& error);
  ~TlsBackend();

  // `host` is a name (sent as SNI) or an IP literal; either must be what the certificate is for.
  // `session` is resumed if the server agrees and it was established under these settings, and gets
  // the ones that the server gives; it belongs to this server alone and outlives the connection.
  // From any worker.
  std::unique_ptr<Tls> connect(int fd, const std::string& host, TlsSession& session) const;

  bool verifies() const { return options_.verify; }
  const TlsBackendOptions& options() const { return options_; }
  // As TlsListener::refresh.
  TlsRefresh refresh(std::string& what);
  // Counts the states of the files that were used: links that were made by an older one are not
  // taken for new requests.
  unsigned generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  explicit TlsBackend(TlsBackendOptions options) : options_(std::move(options)) {}
  std::shared_ptr<SSL_CTX> load(std::string& error) const;
  std::vector<std::string> paths() const {
    return {options_.ca, options_.certificate, options_.key};
  }

  const TlsBackendOptions options_;
  TlsFileStamp seen_;
  mutable std::mutex mutex_;  // of what follows: per handshake
  std::shared_ptr<SSL_CTX> current_;
  std::atomic<unsigned> generation_{0};
};

}  // namespace keepsake
