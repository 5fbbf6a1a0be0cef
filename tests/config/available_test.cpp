// What a later version executes would be refused in available.cpp; today nothing is.

#include "config/available.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::vector<std::string> refusals(const std::string& yaml) {
  const World world;
  REQUIRE(lines(world.load(yaml).problems).empty());
  std::vector<std::string> paths;
  for (const Problem& problem : load_config_text(yaml, "test.yaml", world.environment()).problems) {
    CHECK(problem.message.find("is not available in this version") != std::string::npos);
    paths.push_back(problem.path);
  }
  return paths;
}

std::string with_backend(std::string_view key) {
  return "listen: [{address: \"127.0.0.1:8080\"}]\n"
         "backends: {app: {servers: [\"http://127.0.0.1:8081\"], " +
         std::string{key} + "}}\nsession: {secrets: [{env: SESSION_KEY}]}\n";
}

}  // namespace

TEST_CASE("what the language has is built", "[config][available]") {
  CHECK(refusals(minimal()).empty());
  CHECK(refusals(minimal("traceparent: true")).empty());
  CHECK(refusals(with_backend("balance: session_hash")).empty());
}
