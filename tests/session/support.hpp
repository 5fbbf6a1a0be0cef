#pragma once
// What the session tests share: secrets, a Random that repeats itself, and readable sessions.

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "session/key_ring.hpp"
#include "session/session.hpp"

namespace keepsake::test {

inline const std::string kSecretA = "first-secret-for-tests-0123456789abcdef";
inline const std::string kSecretB = "second-secret-for-tests-fedcba9876543210";

// 00 01 02 ... on every call: what golden vectors need and nothing else may use.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    std::uint8_t next = 0;
    std::generate(out.begin(), out.end(), [&next] { return next++; });
  }
};

inline std::shared_ptr<const KeyRing> ring(std::vector<std::string> secrets) {
  return std::make_shared<const KeyRing>(secrets);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Session session_of(const Pairs& pairs, std::int64_t created = 1'700'000'000,
                          std::int64_t touched = 1'700'000'060) {
  Session session;
  for (std::size_t i = 0; i < session.id.size(); ++i) {
    session.id[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  session.has_id = true;
  session.created = created;
  session.touched = touched;
  for (const auto& [key, value] : pairs) {
    session.set(key, value);
  }
  return session;
}

inline Pairs pairs_of(const Session& session) {
  Pairs pairs;
  for (std::size_t i = 0; i < session.size(); ++i) {
    pairs.emplace_back(session.at(i).key, session.at(i).value);
  }
  return pairs;
}

inline std::vector<std::uint8_t> unhex(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace keepsake::test
