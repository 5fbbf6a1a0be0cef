#pragma once
// Typed reads from the tree of a configuration file. Used by the load_*.cpp files alone. Every read
// that fails leaves the default in place and one problem, with key path and place, in the report.

#include <chrono>
#include <concepts>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/report.hpp"
#include "config/yaml_text.hpp"
#include "config/yaml_tree.hpp"

namespace keepsake {

// What all reads of one file share.
struct Reading {
  Report& report;
  const Environment& environment;
  std::vector<std::string_view> sources;  // the files' texts, for hints
  // For Loaded: every key that was asked for, "listen[].address", and those of them that the file
  // has.
  std::set<std::string> known;
  std::set<std::string> used;

  std::string flow_hint(Position position) const {
    return keepsake::flow_hint(sources[static_cast<std::size_t>(position.file)], position.line);
  }
};

// One value of the file and the way to it.
class Value {
 public:
  Value(Reading& reading, const YamlNode& node, std::string path, std::string pattern);

  const std::string& path() const { return path_; }
  bool is_null() const { return node_->kind == YamlNode::Kind::Null; }
  bool is_scalar() const { return node_->kind == YamlNode::Kind::Scalar; }
  bool is_list() const { return node_->kind == YamlNode::Kind::Sequence; }
  bool is_map() const { return node_->kind == YamlNode::Kind::Map; }

  void fail(std::string message) const;
  // "is a list, expected WHAT", with a hint when the line shows why.
  void expected(std::string_view what) const;

  // The elements; complains unless this is a list.
  std::vector<Value> items(std::string_view what) const;
  // The scalar with ${...} replaced, whatever type it looks like; complains unless this is a
  // scalar.
  std::optional<std::string> scalar(std::string_view what) const;
  // The same, but what YAML reads as a number, true, false or null is no text without quotes.
  std::optional<std::string> text(std::string_view what) const;
  // `word` in quotes for a message, cut and without control bytes; nothing when it came from
  // outside.
  std::string quote(std::string_view word) const;
  // True for an unquoted scalar, or one whose ${...} stood in quotes because YAML wants them.
  bool is_plain() const;

  Reading& reading() const { return *reading_; }
  const YamlNode& node() const { return *node_; }
  const std::string& pattern() const { return pattern_; }

 private:
  Reading* reading_;
  const YamlNode* node_;
  std::string path_;
  std::string pattern_;
};

void read(const Value& value, bool& out);
void read(const Value& value, std::string& out);
std::optional<std::uint64_t> read_number(const Value& value, std::uint64_t min, std::uint64_t max);
std::optional<std::chrono::milliseconds> read_duration(const Value& value,
                                                       std::chrono::milliseconds min,
                                                       std::chrono::milliseconds max);
std::optional<std::uint64_t> read_size(const Value& value, std::uint64_t min, std::uint64_t max);
// The index of the word in `words`; complains with the list of them and the nearest.
std::optional<std::size_t> read_word(const Value& value, std::span<const std::string_view> words);

// A map whose keys are fixed. Asking for a key makes it known; finish() refuses the rest.
class Section {
 public:
  explicit Section(const Value& value);

  // Empty when the key is absent.
  std::optional<Value> find(std::string_view key);
  // Empty also when the key says null.
  std::optional<Value> find_optional(std::string_view key);

  void boolean(std::string_view key, bool& out);
  void text(std::string_view key, std::string& out);
  template <std::unsigned_integral T>
  void number(std::string_view key, T& out, T min, T max);
  template <typename Duration>
  void duration(std::string_view key, Duration& out, Duration min, Duration max);
  void size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
  // `words[i]` stands for the enumerator of value i.
  template <typename Enum>
  void choice(std::string_view key, Enum& out, std::span<const std::string_view> words);

  bool is_map() const { return value_.is_map(); }
  const Value& value() const { return value_; }
  void fail(std::string message) const { value_.fail(std::move(message)); }
  void finish();

 private:
  Value value_;
  std::vector<std::string_view> known_;
};

// A map whose keys the user chooses, in the order of the file; complains unless it is a map.
struct NamedValue {
  std::string name;
  Value value;
};
std::vector<NamedValue> read_names(const Value& value, std::string_view what);

template <std::unsigned_integral T>
void Section::number(std::string_view key, T& out, T min, T max) {
  if (const auto value = find(key)) {
    if (const auto number = read_number(*value, min, max)) {
      out = static_cast<T>(*number);
    }
  }
}

template <typename Duration>
void Section::duration(std::string_view key, Duration& out, Duration min, Duration max) {
  if (const auto value = find(key)) {
    if (const auto time = read_duration(*value, min, max)) {
      const auto rounded = std::chrono::duration_cast<Duration>(*time);
      if (rounded != *time) {
        value->fail("counts whole seconds");
        return;
      }
      out = rounded;
    }
  }
}

template <typename Enum>
void Section::choice(std::string_view key, Enum& out, std::span<const std::string_view> words) {
  if (const auto value = find(key)) {
    if (const auto index = read_word(*value, words)) {
      out = static_cast<Enum>(*index);
    }
  }
}

}  // namespace keepsake
