#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

Loaded with_secret(std::string text, std::string_view more = "") {
  World world;
  world.variables["SESSION_KEY"] = std::move(text);
  return world.load(minimal("", more));
}

}  // namespace

TEST_CASE("secrets come from the environment and from files, in their order", "[config][secrets]") {
  const World world;
  const Loaded loaded = world.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
      "session:\n"
      "  secrets:\n"
      "    - file: /run/secrets/good\n"
      "    - env: SESSION_KEY\n");
  REQUIRE(loaded.config);
  const auto& secrets = loaded.config->session.secrets;
  REQUIRE(secrets.size() == 2);
  CHECK(secrets[0].origin == "file /run/secrets/good");
  CHECK(secrets[1].origin == "env SESSION_KEY");
  CHECK(secrets[1].text == good_secret);
}

TEST_CASE("one newline at the end is not part of a secret, and that is said", "[config][secrets]") {
  const std::string secret{good_secret};
  SECTION("LF") {
    const Loaded loaded = with_secret(secret + "\n");
    REQUIRE(loaded.config);
    CHECK(loaded.config->session.secrets[0].text == secret);
    CHECK(loaded.warnings.size() == 2);  // and that there are no routes
  }
  SECTION("CRLF") {
    const Loaded loaded = with_secret(secret + "\r\n");
    REQUIRE(loaded.config);
    CHECK(loaded.config->session.secrets[0].text == secret);
  }
  SECTION("only one") {
    const Loaded loaded = with_secret(secret + "\n\n");
    REQUIRE(loaded.config);
    CHECK(loaded.config->session.secrets[0].text == secret + "\n");
  }
  SECTION("a CR alone stays") {
    const Loaded loaded = with_secret(secret + "\r");
    REQUIRE(loaded.config);
    CHECK(loaded.config->session.secrets[0].text == secret + "\r");
    CHECK(loaded.warnings.size() == 1);
  }
}

TEST_CASE("a secret has 32 bytes or more, varied, and not from a manual", "[config][secrets]") {
  CHECK(with_secret("0123456789abcdefghijklmnopqrstuv").config.has_value());
  for (const std::string& bad :
       {std::string{"0123456789abcdefghijklmnopqrstu"}, std::string(64, 'x'), std::string{},
        std::string{"\n"}, std::string{"CHANGE-ME-please-this-is-only-an-example"},
        std::string{"$(keepsake keygen) was not run by this shell"}}) {
    INFO(bad);
    const Loaded loaded = with_secret(bad);
    CHECK_FALSE(loaded.config.has_value());
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems[0].message.find("keepsake keygen") != std::string::npos);
    if (bad.size() > 1) {
      CHECK(loaded.problems[0].message.find(bad) == std::string::npos);
    }
  }
}

TEST_CASE("text where the list of secrets belongs is refused, not taken letter by letter (S-22)",
          "[config][secrets]") {
  for (const char* secrets :
       {"a-secret-of-more-than-thirty-two-bytes-0123", "\"\"", "7", "true", "{env: SESSION_KEY}",
        "[a-secret-of-more-than-thirty-two-bytes-0123]"}) {
    INFO(secrets);
    const Loaded loaded = World{}.load(
        "listen: [{address: \"127.0.0.1:8080\"}]\n"
        "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
        "session: {secrets: " +
        std::string{secrets} + "}\n");
    CHECK_FALSE(loaded.config.has_value());
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems[0].path.starts_with("session.secrets"));
    CHECK(loaded.problems[0].message.find("thirty-two") == std::string::npos);
  }
}

TEST_CASE("allow_short belongs to the flask format and warns", "[config][secrets]") {
  CHECK_FALSE(with_secret("dev-key", "allow_short: true").config.has_value());
  CHECK_FALSE(with_secret("dev-key", "format: flask").config.has_value());
  CHECK_FALSE(with_secret("", "format: flask\n  allow_short: true").config.has_value());
  const Loaded loaded = with_secret("dev-key", "format: flask\n  allow_short: true");
  REQUIRE(loaded.config);
  REQUIRE(loaded.warnings.size() == 2);  // and that there are no routes
  CHECK(loaded.warnings[1].find("only 7 bytes") != std::string::npos);

  World world;
  world.variables["OLD"] = "dev-key";
  const Loaded one = world.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
      "session:\n"
      "  format: flask\n"
      "  secrets: [{env: SESSION_KEY}, {env: OLD, allow_short: true}]\n");
  CHECK(one.config.has_value());
}

TEST_CASE("the same secret twice is worth a warning", "[config][secrets]") {
  World world;
  world.variables["AGAIN"] = std::string{good_secret};
  const Loaded loaded = world.load(
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
      "routes: [{path: \"/*\", backend: app}]\n"
      "session: {secrets: [{env: SESSION_KEY}, {env: AGAIN}]}\n");
  REQUIRE(loaded.config);
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0] ==
        "test.yaml:4:41: session.secrets[1]: is the same secret as session.secrets[0]");
}

TEST_CASE("no message repeats a secret that stands in the wrong place", "[config][secrets]") {
  const std::string secret{good_secret};
  World world;
  for (const std::string& session :
       {"secrets: " + secret, "secrets: [" + secret + "]", "secrets: {env: " + secret + ", x: 1}",
        "secrets: [{env: SESSION_KEY}]\n  redis: {url: \"rediss://:" + secret + "@h:0\"}",
        "secrets: [{env: SESSION_KEY}]\n  redis: {url: \"redis://h\", password: " + secret + "}",
        std::string{"secrets: [{env: SESSION_KEY}]\n  format: ${SESSION_KEY}"},
        std::string{"secrets: [{env: SESSION_KEY}]\n  idle_timeout: ${SESSION_KEY}"},
        std::string{"secrets: [{env: SESSION_KEY}]\n  cookie: {domain: \"${SESSION_KEY}.\"}"}}) {
    const Loaded loaded = world.load(
        "listen: [{address: \"127.0.0.1:8080\"}]\n"
        "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
        "session:\n  " +
        session + "\n");
    CHECK_FALSE(loaded.config.has_value());
    for (const std::string& line : lines(loaded.problems)) {
      CHECK(line.find(secret) == std::string::npos);
    }
  }
}
