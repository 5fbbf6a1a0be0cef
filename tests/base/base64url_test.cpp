#include "base/base64url.hpp"

#include <array>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace keepsake {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string url(std::string_view text) {
  std::string out;
  base64url_encode(bytes_of(text), out);
  return out;
}

std::optional<std::string> decoded(std::string_view text) {
  std::array<std::uint8_t, 512> buffer{};
  const auto size = base64url_decode(text, buffer);
  if (!size) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(buffer.data()), *size);
}

}  // namespace

TEST_CASE("base64url spells the examples of RFC 4648 without padding", "[base][base64]") {
  auto [plain, text] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                 {"f", "Zg"},
                                                                 {"fo", "Zm8"},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg"},
                                                                 {"fooba", "Zm9vYmE"},
                                                                 {"foobar", "Zm9vYmFy"},
                                                                 {"\xfb\xff\xbf", "-_-_"}}));
  CHECK(url(plain) == text);
  CHECK(decoded(text) == plain);
  CHECK(base64url_size(plain.size()) == text.size());
  CHECK(base64url_decoded_size(text.size()) == plain.size());
}

TEST_CASE("classic base64 is padded and has its own two last letters", "[base][base64]") {
  auto [plain, text] = GENERATE(table<std::string, std::string>(
      {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xfb\xff\xbf", "+/+/"}}));
  std::string out = "x";
  base64_encode(bytes_of(plain), out);
  CHECK(out == "x" + text);
}

TEST_CASE("decoding refuses every spelling but the canonical one", "[base][base64]") {
  for (const char* text : {"Zg==", "Zg=", "Zm8=", "Zm9v=", "Z", "Zm9vZ", "Zh", "Zm9", "+/+/",
                           "Zm 9", " Zm8", "Zm8\n", "Zm9vYm\xc3\xa9", "Zg.", "...."}) {
    INFO(text);
    CHECK_FALSE(decoded(text));
  }
  CHECK_FALSE(decoded(std::string_view("Zm9\0", 4)));
}

TEST_CASE("of all two-letter texts exactly 256 decode", "[base][base64]") {
  int good = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::array<char, 2> text{static_cast<char>(a), static_cast<char>(b)};
      const std::string_view view(text.data(), text.size());
      if (const auto plain = decoded(view)) {
        ++good;
        REQUIRE(url(*plain) == view);
      }
    }
  }
  CHECK(good == 256);
}

TEST_CASE("decoding never writes past the room it was given", "[base][base64]") {
  std::array<std::uint8_t, 4> room{9, 9, 9, 9};
  CHECK_FALSE(base64url_decode("Zm9v", std::span(room).first(2)));
  CHECK(room == std::array<std::uint8_t, 4>{9, 9, 9, 9});
  CHECK(base64url_decode("Zm9v", std::span(room).first(3)) == 3u);
  CHECK(room[3] == 9);
}

TEST_CASE("every length survives there and back", "[base][base64]") {
  std::string plain;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(decoded(url(plain)) == plain);
    plain.push_back(static_cast<char>(i * 37));
  }
}

}  // namespace keepsake
