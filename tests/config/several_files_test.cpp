// A configuration of several files: what merges, what does not, and which file a message names.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "config/config_files.hpp"
#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

Loaded load(const std::vector<ConfigText>& texts) {
  const World world;
  return load_config_texts(texts, world.environment());
}

std::vector<std::string> problems(const Loaded& loaded) {
  std::vector<std::string> out;
  for (const Problem& problem : loaded.problems) {
    out.push_back(to_string(problem));
  }
  return out;
}

struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "keepsake-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("maps of several files are one map, at every depth", "[config][files]") {
  const Loaded loaded =
      load({{"a.yaml", minimal()},
            {"b.yaml", ""},
            {"c.yaml",
             "backends: {other: {servers: [\"http://127.0.0.1:8082\"]}}\n"
             "session: {cookie: {name: visitor}, max_values: 3}\nlimits: {headers: 7}\n"},
            {"d.yaml", "session: {cookie: {path: /shop}}\n"}});
  CHECK(problems(loaded) == std::vector<std::string>{});
  REQUIRE(loaded.config);
  CHECK(loaded.config->backends.size() == 2);
  CHECK(loaded.config->session.cookie.name == "visitor");
  CHECK(loaded.config->session.cookie.path == "/shop");
  CHECK(loaded.config->session.max_values == 3);
  CHECK(loaded.config->limits.headers == 7);
}

TEST_CASE("a key in two files is a mistake that names both places", "[config][files]") {
  const std::string routes = "routes: [{path: \"/*\", backend: app}]\n";
  const Loaded loaded = load({{"a.yaml", minimal(routes)},
                              {"b.yaml",
                               "\nbackends:\n  app: {balance: least_requests}\n"
                               "  other: {servers: [\"http://127.0.0.1:8082\"]}\n" +
                                   routes + "session: {secrets: [{env: SESSION_KEY}]}\n"}});
  CHECK(problems(loaded) ==
        std::vector<std::string>{
            "b.yaml:5:1: routes: this key is in two files, first in a.yaml:6",
            "b.yaml:6:11: session.secrets: this key is in two files, first in a.yaml:4"});
  CHECK_FALSE(loaded.config.has_value());
}

TEST_CASE("a mistake is reported in the file that has it", "[config][files]") {
  const Loaded loaded = load({{"a.yaml", minimal("limits: {headers: many}\n")},
                              {"b.yaml", "limits: {form: 1}\nlog: {level: loud}\nlog: {}\n"},
                              {"c.yaml", "- a list\n"},
                              {"d.yaml", "x: [\n"},
                              {"e.yaml", "admin: \xFF\n"}});
  // Files that are no maps are mended first.
  CHECK(problems(loaded) ==
        std::vector<std::string>{
            "c.yaml:1:1: expected a map of keys and values",
            "d.yaml:1:5: this is not YAML: a [ is never closed, or a comma is missing in it",
            "e.yaml:1:8: this byte is not text; the file must be UTF-8"});
  const Loaded second = load({{"a.yaml", minimal("limits: {headers: many}\n")},
                              {"b.yaml", "limits: {form: 1}\nlog: {level: loud}\nlog: {}\n"}});
  std::vector<std::string> places;
  for (const Problem& problem : second.problems) {
    places.push_back(problem.file + ':' + std::to_string(problem.line) + ' ' + problem.path);
  }
  CHECK(places == std::vector<std::string>{"a.yaml:6 limits.headers", "b.yaml:1 limits.form",
                                           "b.yaml:2 log.level", "b.yaml:3 log"});
}

TEST_CASE("of a folder the visible YAML files count, in byte order", "[config][files]") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream{folder.path / name} << text;
  };
  FileError error;
  CHECK_FALSE(list_config_files(folder.path, error).has_value());
  CHECK(error.why == "the folder holds no file that ends in .yaml or .yml");
  for (const char* name : {"b.yaml", "B.yml", "10.yaml", "9.yaml", ".hidden.yaml", "a.yaml~", "a"}) {
    write(name, "");
  }
  const std::string start = folder.path.string() + '/';
  CHECK(list_config_files(folder.path, error) ==
        std::vector<std::string>{start + "10.yaml", start + "9.yaml", start + "B.yml",
                                 start + "b.yaml"});
  CHECK(list_config_files(start + "a", error) == std::vector<std::string>{start + "a"});
}

TEST_CASE("the state of a file follows its content, its links and its absence",
          "[config][files]") {
  const TemporaryFolder folder;
  const std::string link = folder.path / "link";
  std::vector<std::string> states{file_state(link)};
  std::ofstream{folder.path / "one"} << "1";
  std::ofstream{folder.path / "two"} << "1";
  std::filesystem::create_symlink("one", link);
  states.push_back(file_state(link));
  CHECK(file_state(link) == states.back());
  std::filesystem::remove(link);
  std::filesystem::create_symlink("two", link);
  states.push_back(file_state(link));
  std::ofstream{folder.path / "two"} << "11";
  states.push_back(file_state(link));
  std::set<std::string> different{states.begin(), states.end()};
  CHECK(different.size() == 4);
  // Of a folder: which files count in it.
  const std::string before = file_state(folder.path);
  std::ofstream{folder.path / "notes.txt"} << "1";
  CHECK(file_state(folder.path) == before);
  std::ofstream{folder.path / "a.yaml"} << "1";
  CHECK(file_state(folder.path) != before);
}
