#include "session/xaes.hpp"

#include <openssl/evp.h>

#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {
namespace {

using Bytes = std::vector<std::uint8_t>;
using KeyView = std::span<const std::uint8_t, Xaes256Gcm::kKeySize>;

Bytes bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

Bytes sealed_with(Xaes256Gcm& cipher, const Bytes& nonce, std::string_view aad,
                  const Bytes& plain) {
  Bytes out(plain.size() + Xaes256Gcm::kTagSize);
  cipher.seal(Xaes256Gcm::Nonce(nonce), aad, plain, out);
  return out;
}

const Bytes kNonce = bytes("ABCDEFGHIJKLMNOPQRSTUVWX");

}  // namespace

TEST_CASE("XAES-256-GCM gives C2SP's two vectors and opens them", "[session][xaes]") {
  auto [fill, aad, expected] = GENERATE(table<int, std::string, std::string>(
      {{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
       {3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"}}));
  const Bytes key(32, static_cast<std::uint8_t>(fill));
  Xaes256Gcm cipher{KeyView(key)};
  const Bytes sealed = sealed_with(cipher, kNonce, aad, bytes("XAES-256-GCM"));
  CHECK(test::hex(sealed) == expected);
  Bytes opened(sealed.size() - 16);
  REQUIRE(cipher.open(Xaes256Gcm::Nonce(kNonce), aad, sealed, opened));
  CHECK(opened == bytes("XAES-256-GCM"));
}

TEST_CASE("XAES-256-GCM passes C2SP's accumulated test of 10 000 rounds", "[session][xaes]") {
  // Keys, nonces, texts and additional data are one SHAKE-128 stream; so is the digest of the
  // outputs.
  constexpr int kRounds = 10'000;
  Bytes stream(kRounds * (32 + 24 + 1 + 255 + 1 + 255));
  EVP_MD_CTX* in = EVP_MD_CTX_new();
  REQUIRE(EVP_DigestInit_ex(in, EVP_shake128(), nullptr) == 1);
  REQUIRE(EVP_DigestFinalXOF(in, stream.data(), stream.size()) == 1);
  EVP_MD_CTX_free(in);

  EVP_MD_CTX* out = EVP_MD_CTX_new();
  REQUIRE(EVP_DigestInit_ex(out, EVP_shake128(), nullptr) == 1);
  std::size_t at = 0;
  const auto read = [&stream, &at](std::size_t size) {
    const auto from = stream.begin() + static_cast<std::ptrdiff_t>(at);
    at += size;
    return Bytes(from, from + static_cast<std::ptrdiff_t>(size));
  };
  for (int i = 0; i < kRounds; ++i) {
    const Bytes key = read(32);
    const Bytes nonce = read(24);
    const Bytes plain = read(read(1)[0]);
    const Bytes aad = read(read(1)[0]);
    const std::string_view aad_text(reinterpret_cast<const char*>(aad.data()), aad.size());
    Xaes256Gcm cipher{KeyView(key)};
    const Bytes sealed = sealed_with(cipher, nonce, aad_text, plain);
    Bytes opened(plain.size());
    REQUIRE(cipher.open(Xaes256Gcm::Nonce(nonce), aad_text, sealed, opened));
    REQUIRE(opened == plain);
    REQUIRE(EVP_DigestUpdate(out, sealed.data(), sealed.size()) == 1);
  }
  Bytes digest(32);
  REQUIRE(EVP_DigestFinalXOF(out, digest.data(), digest.size()) == 1);
  EVP_MD_CTX_free(out);
  CHECK(test::hex(digest) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST_CASE("a shortened tag never opens, whatever is left of it", "[session][xaes]") {
  const Bytes key(32, 1);
  Xaes256Gcm cipher{KeyView(key)};
  const Bytes sealed = sealed_with(cipher, kNonce, "", {});
  Bytes opened(64);
  CHECK(cipher.open(Xaes256Gcm::Nonce(kNonce), "", sealed, opened));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    CHECK_FALSE(cipher.open(Xaes256Gcm::Nonce(kNonce), "", std::span(sealed).first(size), opened));
  }
}

TEST_CASE("any changed bit of nonce, data, text or tag fails, and the next message still opens",
          "[session][xaes]") {
  const Bytes key(32, 1);
  Xaes256Gcm cipher{KeyView(key)};
  const Bytes sealed = sealed_with(cipher, kNonce, "aad", bytes("some text"));
  Bytes opened(sealed.size() - 16);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    REQUIRE_FALSE(cipher.open(Xaes256Gcm::Nonce(kNonce), "aad", changed, opened));
  }
  for (std::size_t bit = 0; bit < kNonce.size() * 8; ++bit) {
    Bytes nonce = kNonce;
    nonce[bit / 8] = static_cast<std::uint8_t>(nonce[bit / 8] ^ 1u << bit % 8);
    REQUIRE_FALSE(cipher.open(Xaes256Gcm::Nonce(nonce), "aad", sealed, opened));
  }
  CHECK_FALSE(cipher.open(Xaes256Gcm::Nonce(kNonce), "aae", sealed, opened));
  CHECK_FALSE(cipher.open(Xaes256Gcm::Nonce(kNonce), "", sealed, opened));
  CHECK(cipher.open(Xaes256Gcm::Nonce(kNonce), "aad", sealed, opened));
  CHECK(opened == bytes("some text"));
}

TEST_CASE("sealing in place gives what sealing elsewhere gives", "[session][xaes]") {
  const Bytes key(32, 9);
  Xaes256Gcm cipher{KeyView(key)};
  const Bytes plain = bytes("in its own place");
  Bytes buffer = plain;
  buffer.resize(plain.size() + 16);
  cipher.seal(Xaes256Gcm::Nonce(kNonce), "x", std::span(buffer).first(plain.size()), buffer);
  CHECK(buffer == sealed_with(cipher, kNonce, "x", plain));
}

}  // namespace keepsake
