#include "config/environment.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using keepsake::test::World;

namespace {

std::string expand(std::string_view text) {
  World world;
  world.variables = {{"NAME", "value"}, {"EMPTY", ""}, {"DOLLAR", "${NAME}"}};
  std::string error;
  const auto out = expand_variables(text, world.environment(), error);
  return out ? *out : "error: " + error;
}

}  // namespace

TEST_CASE("variables are replaced inside a value", "[config][environment]") {
  CHECK(expand("") == "");
  CHECK(expand("plain $ {NAME}") == "plain $ {NAME}");
  CHECK(expand("${NAME}") == "value");
  CHECK(expand("a${NAME}b${NAME}c") == "avaluebvaluec");
  CHECK(expand("${NAME:-other}") == "value");
  CHECK(expand("${MISSING:-other}") == "other");
  CHECK(expand("${MISSING:-}") == "");
  CHECK(expand("${MISSING:-a:-b}") == "a:-b");
  CHECK(expand("${EMPTY:-other}") == "other");
  CHECK(expand("${EMPTY}") == "");
}

TEST_CASE("a doubled dollar keeps the braces", "[config][environment]") {
  CHECK(expand("$${NAME}") == "${NAME}");
  CHECK(expand("$${") == "${");
  CHECK(expand("a$${b}${NAME}") == "a${b}value");
}

TEST_CASE("what a variable holds is not expanded again", "[config][environment]") {
  CHECK(expand("${DOLLAR}") == "${NAME}");
}

TEST_CASE("a variable that cannot be replaced is named", "[config][environment]") {
  CHECK(expand("${MISSING}").find("error: the environment variable MISSING is not set") == 0);
  CHECK(expand("${NAME").find("error: the brace of ${ is never closed") == 0);
  CHECK(expand("${}").find("error: ${...} holds no name") == 0);
  CHECK(expand("${1A}").find("error: ${...} holds no name") == 0);
  CHECK(expand("${A-B}").find("error: ${...} holds no name") == 0);
}

TEST_CASE("the process's own variables and files are read", "[config][environment]") {
  const Environment environment = Environment::process();
  ::setenv("KEEPSAKE_TEST_VARIABLE", "here", 1);
  CHECK(environment.variable("KEEPSAKE_TEST_VARIABLE") == "here");
  ::unsetenv("KEEPSAKE_TEST_VARIABLE");
  CHECK_FALSE(environment.variable("KEEPSAKE_TEST_VARIABLE").has_value());

  const auto folder =
      std::filesystem::temp_directory_path() / ("keepsake-test-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  FileError error;
  SECTION("a file comes as it is") {
    const std::string content{"line\n\0\xFF", 7};
    std::ofstream{folder / "file", std::ios::binary} << content;
    CHECK(environment.read_file(folder / "file", error) == content);
  }
  SECTION("a file over 1MiB is refused") {
    std::ofstream{folder / "file"} << std::string(Environment::max_file_bytes + 1, 'x');
    CHECK_FALSE(environment.read_file(folder / "file", error).has_value());
    CHECK(error.why == "larger than 1MiB");
  }
  SECTION("a missing file and a folder have a reason") {
    CHECK_FALSE(environment.read_file(folder / "missing", error).has_value());
    CHECK(error.why == "No such file or directory");
    CHECK(error.missing);
    error = {};
    CHECK_FALSE(environment.read_file(folder, error).has_value());
    CHECK(error.why == "Is a directory");
    CHECK_FALSE(error.missing);
  }
  SECTION("a configuration that cannot be read is one problem without a line") {
    const Loaded loaded = load_config_file(folder / "missing.yaml");
    REQUIRE(loaded.problems.size() == 1);
    CHECK_FALSE(loaded.config.has_value());
    CHECK(to_string(loaded.problems[0]) ==
          (folder / "missing.yaml").string() + ": cannot be read: No such file or directory");
  }
  std::filesystem::remove_all(folder);
}
