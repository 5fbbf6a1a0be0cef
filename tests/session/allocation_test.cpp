// A program of its own, because it replaces operator new and OpenSSL's allocator to count them.

#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

#include "session/flask_codec.hpp"
#include "session/sealed_codec.hpp"
#include "session/support.hpp"
#include "support/catch.hpp"

namespace {

std::size_t news = 0;
std::size_t inside_openssl = 0;

void* counted_malloc(std::size_t size, const char*, int) {
  ++inside_openssl;
  return std::malloc(size);
}
void* counted_realloc(void* old, std::size_t size, const char*, int) {
  ++inside_openssl;
  return std::realloc(old, size);
}
void counted_free(void* old, const char*, int) {
  std::free(old);
}

// Before main, and so before OpenSSL has allocated anything, after which it would refuse.
const bool counting = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

}  // namespace

void* operator new(std::size_t size) {
  ++news;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++news;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace keepsake {
namespace {

const test::Pairs kFive = {
    {"cart", "3"}, {"lang", "de"}, {"myName", "Zoë"}, {"plan", "gold plus"}, {"theme", "dark"}};

struct Allocations {
  std::size_t news = 0, inside_openssl = 0;
  bool operator==(const Allocations&) const = default;
};

// Those of the second of two equal calls.
template <typename Work>
Allocations allocations_of(Work work) {
  work();
  const Allocations before{news, inside_openssl};
  work();
  return {news - before.news, inside_openssl - before.inside_openssl};
}

constexpr Allocations kNone{};

}  // namespace

TEST_CASE("the counters count", "[session][allocation]") {
  REQUIRE(counting);
  std::string* kept = nullptr;
  CHECK(allocations_of([&kept] {
          kept = new std::string;
          delete kept;
        }) == Allocations{1, 0});
  CHECK(allocations_of([] { OPENSSL_free(OPENSSL_malloc(1)); }) == Allocations{0, 1});
}

TEST_CASE("opening a cookie allocates nothing once it has run", "[session][allocation]") {
  const auto keys = test::ring({test::kSecretB, test::kSecretA});
  const auto old_keys = test::ring({test::kSecretA});
  Random random;
  SealedCodec sealed(keys, "session", random), old_sealed(old_keys, "session", random);
  FlaskCodec flask(keys), old_flask(old_keys);
  Session session;
  for (const bool is_flask : {false, true}) {
    Codec& writer = is_flask ? static_cast<Codec&>(old_flask) : old_sealed;
    Codec& reader = is_flask ? static_cast<Codec&>(flask) : sealed;
    std::string cookie, packed;
    writer.seal(test::session_of(kFive), "shop.example", cookie);
    writer.seal(test::session_of({{"name", std::string(500, 'x')}}), "shop.example", packed);
    std::string forged = cookie;
    forged[forged.size() - 9] = forged[forged.size() - 9] == 'A' ? 'B' : 'A';
    OpenStatus status{};
    for (const std::string& text : {cookie, packed, forged}) {
      const Allocations made =
          allocations_of([&] { status = reader.open(text, "shop.example", session).status; });
      CHECK((status == OpenStatus::Ok) == (text != forged));
      CHECK(made.news == 0);
      // OpenSSL 3.0 copies a hash state on the heap for each HMAC, two per key tried.
      CHECK(made.inside_openssl <= (is_flask ? 2 * keys->size() : 0));
    }
  }
}

TEST_CASE("sealing allocates nothing once it has run", "[session][allocation]") {
  Random random;
  SealedCodec sealed(test::ring({test::kSecretA}), "session", random);
  const Session session = test::session_of(kFive);
  std::string cookie;
  CHECK(allocations_of([&] {
          cookie.clear();
          sealed.seal(session, "", cookie);
        }) == kNone);
}

TEST_CASE("a session that is used again and again allocates nothing", "[session][allocation]") {
  Session session;
  CHECK(allocations_of([&] {
          session.reset();
          for (const auto& [key, value] : kFive) {
            session.set(key, value);
          }
          session.set("cart", "17");
          session.erase("plan");
        }) == kNone);
}

}  // namespace keepsake
