#pragma once
// The keys of TLS session tickets: made at random, changed every hour, shared by all listeners and
// workers so that a client may resume at any of them, and kept when certificates are read again.
// The key before is still believed, so a ticket lives one to two hours. From any thread.

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace keepsake {

class TlsTicketKeys {
 public:
  static constexpr std::chrono::hours kRotation{1};

  explicit TlsTicketKeys(const Clock& clock);
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  // Lets `context` seal and open its tickets with these keys, which must outlive it.
  void serve(SSL_CTX* context);

 private:
  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  static int callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int seal);
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac);
  void rotate();

  const Clock& clock_;
  Random random_;
  std::mutex mutex_;  // of all below; handshakes only
  Key current_, previous_;
  bool has_previous_ = false;
  SteadyTime born_{};
};

}  // namespace keepsake
