// What yaml-cpp takes in silence, and files that are meant to hurt.

#include "config/yaml_tree.hpp"

#include "config/yaml_text.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string problem_of(std::string_view text) {
  Report report{"f"};
  if (parse_yaml(text, report)) {
    return "none";
  }
  const auto problems = report.take_problems();
  return problems.size() == 1 ? to_string(problems[0])
                              : std::to_string(problems.size()) + " problems";
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += piece;
  }
  return out;
}

}  // namespace

TEST_CASE("a tree keeps order, quotes and places counted from 1", "[config][yaml]") {
  Report report{"f"};
  const auto root = parse_yaml("b: [1, 'x']\na:\n  c: ~\n", report);
  REQUIRE(root);
  REQUIRE(root->keys.size() == 2);
  CHECK(root->keys[0].text == "b");
  CHECK(root->keys[1].text == "a");
  const YamlNode& list = root->items[0];
  CHECK(list.kind == YamlNode::Kind::Sequence);
  CHECK(list.flow);
  CHECK_FALSE(list.items[0].quoted);
  CHECK(list.items[1].quoted);
  CHECK(list.items[1].position.line == 1);
  CHECK(list.items[1].position.column == 8);
  const YamlNode& null = root->items[1].items[0];
  CHECK(null.kind == YamlNode::Kind::Null);
  CHECK(null.position.line == 3);
}

TEST_CASE("an empty file and one of comments are an empty tree", "[config][yaml]") {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "\xEF\xBB\xBF"}) {
    Report report{"f"};
    const auto root = parse_yaml(text, report);
    REQUIRE(root);
    CHECK(root->kind == YamlNode::Kind::Null);
  }
}

TEST_CASE("an alias stands for a copy of its anchor", "[config][yaml]") {
  Report report{"f"};
  const auto root = parse_yaml("a: &x {k: [1, 2]}\nb: *x\n", report);
  REQUIRE(root);
  CHECK(root->items[1].items[0].items[1].text == "2");
}

TEST_CASE("files that are not one good document are refused with their place", "[config][yaml]") {
  CHECK(problem_of("a: 1\n---\nb: 2\n") ==
        "f:2:1: a second document starts here; a file holds one");
  CHECK(problem_of("a: 'x\nb: 1\n") == "f:1:4: the quote that opens here is never closed");
  CHECK(problem_of("a: \"x\n") == "f:1:4: the quote that opens here is never closed");
  CHECK(problem_of("a: 1\n\tb: 2\n") == "f:2:1: a tab indents this line; YAML takes spaces only");
  CHECK(problem_of("a:\n  \tb: 2\n") == "f:2:3: a tab indents this line; YAML takes spaces only");
  CHECK(problem_of("a: !x 1\n").find("tags") != std::string::npos);
  CHECK(problem_of("a: &x [*x]\n").find("contains it") != std::string::npos);
  CHECK(problem_of("a: *x\n").find("not YAML") != std::string::npos);
}

TEST_CASE("bytes that are no text are refused", "[config][yaml]") {
  CHECK(problem_of("a: gr\xC3\xBC\xC3\x9F\x65 \xF0\x9F\x8D\xAA\n") == "none");
  for (const std::string& bad :
       {std::string{"\0", 1}, std::string{"\x01"}, std::string{"\x7F"}, std::string{"\x80"},
        std::string{"\xC0\xAF"}, std::string{"\xC3"}, std::string{"\xE0\x80\xAF"},
        std::string{"\xED\xA0\x80"}, std::string{"\xF4\x90\x80\x80"}, std::string{"\xF8"},
        std::string{"\xFF\xFE"
                    "a"}}) {
    CHECK(problem_of("ab: " + bad + "\n") ==
          "f:1:5: this byte is not text; the file must be UTF-8");
  }
}

TEST_CASE("a file that is meant to hurt is refused quickly", "[config][yaml]") {
  CHECK(problem_of(std::string(max_config_bytes + 1, '#')) == "f: the file is larger than 1MiB");
  for (const char* piece : {"[", "{a: ", "- ", "? ", "[[a], "}) {
    INFO(piece);
    CHECK(problem_of("a: " + repeat(piece, 100'000)).find("f:") == 0);
  }
  CHECK(problem_of(repeat("- ", 30)).find("nested more than 20 deep") != std::string::npos);
  std::string laughs = "a0: &a0 [" + repeat("1, ", 8) + "1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    const std::string self = "a" + std::to_string(i);
    laughs += self + ": &" + self + " [" + repeat(alias + ", ", 8) + alias + "]\n";
  }
  CHECK(problem_of(laughs).find("more than 50000 values") != std::string::npos);
  CHECK(problem_of("a: &a " + std::string(500'000, 'x') + "\nb: [" + repeat("*a, ", 100) + "1]\n")
            .find("more than 50000 values") != std::string::npos);
}

TEST_CASE("a line that brackets surprise gets a hint", "[config][yaml]") {
  CHECK(flow_hint("a: [${X}]", 1).find("${...} inside [ ] or { } needs quotes") !=
        std::string::npos);
  CHECK(flow_hint("x: 1\na: [http://[::1]:80]", 2).find("IPv6") != std::string::npos);
  CHECK(flow_hint("a: {b: fe80::1:2}", 1).find("IPv6") != std::string::npos);
  CHECK(flow_hint("a: ${X}", 1).empty());
  CHECK(flow_hint("a: [http://127.0.0.1:80]", 1).empty());
  CHECK(flow_hint("a: [1]", 7).empty());
}
