// bad/*.yaml: one mistake in each, and in its first line the one problem that must be reported.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

TEST_CASE("each mistake is reported once, at its place, with what was expected", "[config][bad]") {
  const World world;
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{KEEPSAKE_SOURCE_DIR "/tests/config/bad"}) {
    std::ifstream stream{entry.path()};
    std::ostringstream content;
    content << stream.rdbuf();
    const std::string text = content.str();
    const std::string expected = text.substr(2, text.find('\n') - 2);
    const Loaded loaded = world.load(text);
    INFO(entry.path().filename().string());
    CHECK_FALSE(loaded.config.has_value());
    CHECK(lines(loaded.problems) == std::vector<std::string>{expected});
    ++files;
  }
  CHECK(files > 290);
}
