// A line here falls together with its line in available.cpp, when the feature is built.

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

TEST_CASE("what is not built yet is accepted at its default", "[config][available]") {
  CHECK(refusals(minimal()).empty());
  CHECK(refusals(with_backend("balance: round_robin")).empty());
}

TEST_CASE("what is not built yet is refused at any other value", "[config][available]") {
  const auto [yaml, path] = GENERATE(table<std::string, std::string>({
      {minimal("traceparent: true"), "traceparent"},
  }));
  CHECK(refusals(yaml) == std::vector<std::string>{path});
}
