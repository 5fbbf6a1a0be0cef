#include "io/tls_tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

namespace keepsake {

namespace {

// Where a context remembers its keys.
int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Fetched once: a fetch per handshake costs more than the cipher.
const EVP_CIPHER* aes() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool prepare_mac(EVP_MAC_CTX* mac, std::array<std::uint8_t, 32>& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

TlsTicketKeys::TlsTicketKeys(const Clock& clock) : clock_(clock) {
  rotate();
}

TlsTicketKeys::~TlsTicketKeys() {
  OPENSSL_cleanse(&current_, sizeof current_);
  OPENSSL_cleanse(&previous_, sizeof previous_);
}

void TlsTicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, context_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
  SSL_CTX_set_timeout(context, std::chrono::seconds{2 * kRotation}.count());
}

// The key in use becomes the one before, unless even its time is over.
void TlsTicketKeys::rotate() {
  const SteadyTime now = clock_.steady();
  if (born_ != SteadyTime{} && now - born_ < kRotation) {
    return;
  }
  has_previous_ = born_ != SteadyTime{} && now - born_ < 2 * kRotation;
  if (has_previous_) {
    previous_ = current_;
  } else {
    OPENSSL_cleanse(&previous_, sizeof previous_);
  }
  random_.fill(current_.name);
  random_.fill(current_.cipher);
  random_.fill(current_.mac);
  born_ = now;
}

int TlsTicketKeys::callback(SSL* ssl, unsigned char* name, unsigned char* iv,
                            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  auto* const keys =
      static_cast<TlsTicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  if (keys == nullptr) {
    return -1;
  }
  const std::lock_guard lock(keys->mutex_);
  keys->rotate();
  return seal == 1 ? keys->seal(name, iv, cipher, mac) : keys->open(name, iv, cipher, mac);
}

int TlsTicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) {
  random_.fill({iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(aes()))});
  std::copy(current_.name.begin(), current_.name.end(), name);
  const bool ready = EVP_EncryptInit_ex(cipher, aes(), nullptr, current_.cipher.data(), iv) == 1 &&
                     prepare_mac(mac, current_.mac);
  return ready ? 1 : -1;
}

int TlsTicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) {
  const auto is = [name](const Key& key) {
    return std::equal(key.name.begin(), key.name.end(), name);
  };
  const bool fresh = is(current_);
  if (!fresh && !(has_previous_ && is(previous_))) {
    return 0;  // an unknown key: a full handshake
  }
  Key& key = fresh ? current_ : previous_;
  const bool ready = EVP_DecryptInit_ex(cipher, aes(), nullptr, key.cipher.data(), iv) == 1 &&
                     prepare_mac(mac, key.mac);
  if (!ready) {
    return -1;
  }
  return fresh ? 1 : 2;  // 2: the client gets a new one
}

}  // namespace keepsake
