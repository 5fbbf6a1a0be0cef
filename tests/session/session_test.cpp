#include "session/session.hpp"

#include <map>
#include <random>

#include "session/support.hpp"
#include "support/catch.hpp"

namespace keepsake {

using test::Pairs;
using test::pairs_of;

TEST_CASE("a session keeps its pairs in the order of their keys' bytes", "[session]") {
  Session session;
  CHECK(session.empty());
  CHECK(session.set("b", "2"));
  CHECK(session.set("\xc3\xa9", "4"));
  CHECK(session.set("a", "1"));
  CHECK(session.set("ba", "3"));
  CHECK(pairs_of(session) == Pairs{{"a", "1"}, {"b", "2"}, {"ba", "3"}, {"\xc3\xa9", "4"}});
  CHECK(session.find("ba") == "3");
  CHECK_FALSE(session.find("bb"));
  CHECK_FALSE(session.find(""));
}

TEST_CASE("setting the value that is already there changes nothing and says so (S-14)",
          "[session]") {
  Session session;
  CHECK(session.set("name", "Alice"));
  CHECK_FALSE(session.set("name", "Alice"));
  CHECK(session.set("name", "Bob"));
  CHECK(session.set("name", "Bobby"));
  CHECK(pairs_of(session) == Pairs{{"name", "Bobby"}});
}

TEST_CASE("erasing removes one key and only says yes when it was there", "[session]") {
  Session session;
  session.set("a", "1");
  session.set("b", "2");
  CHECK_FALSE(session.erase("c"));
  CHECK(session.erase("a"));
  CHECK_FALSE(session.erase("a"));
  CHECK(pairs_of(session) == Pairs{{"b", "2"}});
  CHECK(session.erase("b"));
  CHECK(session.empty());
}

TEST_CASE("appending out of order or twice is refused and leaves the session as it was",
          "[session]") {
  Session session;
  CHECK(session.append_sorted("b", "1"));
  CHECK_FALSE(session.append_sorted("b", "2"));
  CHECK_FALSE(session.append_sorted("a", "3"));
  CHECK(session.append_sorted("c", ""));
  CHECK(pairs_of(session) == Pairs{{"b", "1"}, {"c", ""}});
}

TEST_CASE("a value of the session itself may be copied to another key", "[session]") {
  Session session;
  session.set("a", "a value that is long enough to be moved when the buffer grows");
  for (int i = 0; i < 20; ++i) {
    session.set("k" + std::to_string(i), *session.find("a"));
  }
  for (int i = 0; i < 20; ++i) {
    REQUIRE(session.find("k" + std::to_string(i)) == session.find("a"));
  }
  session.set("a", session.find("k3")->substr(2));
  CHECK(session.find("a") == session.find("k3")->substr(2));
}

TEST_CASE("reset forgets everything, stamps and codec state included", "[session]") {
  Session session = test::session_of({{"a", "1"}});
  session.codec_state = "x";
  session.reset();
  CHECK(session.empty());
  CHECK(session.id == SessionId{});
  CHECK_FALSE(session.has_id);
  CHECK(session.created == 0);
  CHECK(session.touched == 0);
  CHECK(session.codec_state.empty());
}

TEST_CASE("a session behaves as a map does under a thousand random changes", "[session]") {
  std::minstd_rand random(7);
  Session session;
  std::map<std::string, std::string> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key(1, static_cast<char>('a' + random() % 8));
    if (random() % 4 == 0) {
      REQUIRE(session.erase(key) == (model.erase(key) == 1));
    } else {
      const std::string value(random() % 60, static_cast<char>('0' + random() % 10));
      const auto known = model.find(key);
      REQUIRE(session.set(key, value) == (known == model.end() || known->second != value));
      model[key] = value;
    }
    REQUIRE(pairs_of(session) == Pairs(model.begin(), model.end()));
  }
}

TEST_CASE("replacing one value for ever does not grow the session for ever", "[session]") {
  Session session;
  session.set("other", "kept");
  const char* lowest = session.at(0).key.data();
  const char* highest = lowest;
  session.set("name", std::string(100, 'x'));
  for (int i = 0; i < 5000; ++i) {
    session.set("name", std::string(static_cast<std::size_t>(100 + i % 2),
                                    static_cast<char>('a' + i % 26)));
    // Everything lives in one buffer, so the distance between two views is at most its size.
    const std::string_view name = *session.find("name");
    const std::string_view other = *session.find("other");
    lowest = std::min(name.data(), other.data());
    highest = std::max(name.data(), other.data());
    REQUIRE(highest - lowest < 4096);
  }
  CHECK(session.find("other") == "kept");
}

}  // namespace keepsake
