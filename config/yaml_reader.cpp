#include "config/yaml_reader.hpp"

#include <algorithm>
#include <charconv>

#include "config/did_you_mean.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

bool is_boolean(std::string_view text) {
  constexpr std::string_view words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

// What an unquoted scalar would be to an editor that checks the JSON Schema (YAML 1.2, core
// schema).
bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    text.remove_prefix(2);
    return !text.empty() &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }
  if (text.empty() || text.find_first_of("0123456789") == std::string_view::npos) {
    return false;
  }
  double ignored = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), ignored);
  return code != std::errc::invalid_argument && stop == text.data() + text.size() &&
         text.front() != 'i' && text.front() != 'n';
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "empty";
    case YamlNode::Kind::Sequence:
      return "a list";
    case YamlNode::Kind::Map:
      return "a map";
    case YamlNode::Kind::Scalar:
      break;
  }
  if (node.quoted) {
    return "text";
  }
  if (is_boolean(node.text)) {
    return "true or false";
  }
  return is_number(node.text) ? "a number" : "text";
}

}  // namespace

Value::Value(Reading& reading, const YamlNode& node, std::string path, std::string pattern)
    : reading_(&reading), node_(&node), path_(std::move(path)), pattern_(std::move(pattern)) {
  reading.report.place(path_, node.position);
}

void Value::fail(std::string message) const {
  reading_->report.problem(node_->position, path_, std::move(message));
}

void Value::expected(std::string_view what) const {
  std::string hint;
  if (node_->flow) {
    hint = reading_->flow_hint(node_->position);
  }
  fail("is " + describe(*node_) + ", expected " + std::string{what} + hint);
}

std::vector<Value> Value::items(std::string_view what) const {
  std::vector<Value> values;
  if (!is_list()) {
    expected("a list of " + std::string{what});
    return values;
  }
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    values.emplace_back(*reading_, node_->items[i], join_path(path_, i), pattern_ + "[]");
  }
  return values;
}

std::optional<std::string> Value::scalar(std::string_view what) const {
  if (!is_scalar()) {
    expected(what);
    return std::nullopt;
  }
  std::string error;
  auto expanded = expand_variables(node_->text, reading_->environment, error);
  if (!expanded) {
    fail(std::move(error));
  }
  return expanded;
}

std::optional<std::string> Value::text(std::string_view what) const {
  if (is_scalar() && !node_->quoted && describe(*node_) != "text") {
    fail("is " + describe(*node_) + ", expected " + std::string{what} + "; quote it if it is text");
    return std::nullopt;
  }
  return scalar(what);
}

std::string Value::quote(std::string_view word) const {
  if (node_->text.find("${") != std::string::npos) {
    return "the value from the environment";
  }
  std::string quoted = "\"";
  for (const char c : word.substr(0, 60)) {
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return quoted + (word.size() > 60 ? "...\"" : "\"");
}

bool Value::is_plain() const {
  return is_scalar() && (!node_->quoted || node_->text.find("${") != std::string::npos);
}

void read(const Value& value, bool& out) {
  const auto text = value.is_plain() ? value.scalar("true or false") : std::nullopt;
  if (!text) {
    if (!value.is_plain()) {
      value.expected("true or false");
    }
    return;
  }
  if (!is_boolean(*text)) {
    value.fail(value.quote(*text) + " is neither true nor false");
    return;
  }
  out = text->front() == 't' || text->front() == 'T';
}

void read(const Value& value, std::string& out) {
  if (auto text = value.text("text")) {
    out = std::move(*text);
  }
}

std::optional<std::uint64_t> read_number(const Value& value, std::uint64_t min, std::uint64_t max) {
  const std::string range =
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value.is_plain()) {
    value.expected(range);
    return std::nullopt;
  }
  const auto text = value.scalar(range);
  if (!text) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto [stop, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (code == std::errc::invalid_argument || stop != text->data() + text->size() ||
      (text->size() > 1 && text->front() == '0')) {
    value.fail(value.quote(*text) + " is not " + range);
    return std::nullopt;
  }
  if (code != std::errc{} || number < min || number > max) {
    value.fail(value.quote(*text) + " is out of range, expected " + range);
    return std::nullopt;
  }
  return number;
}

std::optional<std::chrono::milliseconds> read_duration(const Value& value,
                                                       std::chrono::milliseconds min,
                                                       std::chrono::milliseconds max) {
  const std::string what = "a duration (250ms, 30s, 5m, 12h, 31d) from " + format_duration(min) +
                           " to " + format_duration(max);
  const auto text = value.scalar(what);
  if (!text) {
    return std::nullopt;
  }
  const auto time = parse_duration(*text);
  if (!time) {
    value.fail(value.quote(*text) + (is_number(*text) ? " has no unit" : " is no duration") +
               ", expected " + what);
  } else if (*time < min || *time > max) {
    value.fail(value.quote(*text) + " is out of range, expected " + what);
  } else {
    return time;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(const Value& value, std::uint64_t min, std::uint64_t max) {
  const std::string what =
      "a size (512B, 16KiB, 1MiB) from " + format_size(min) + " to " + format_size(max);
  const auto text = value.scalar(what);
  if (!text) {
    return std::nullopt;
  }
  const auto size = parse_size(*text);
  if (!size) {
    value.fail(value.quote(*text) + (is_number(*text) ? " has no unit" : " is no size") +
               ", expected " + what);
  } else if (*size < min || *size > max) {
    value.fail(value.quote(*text) + " is out of range, expected " + what);
  } else {
    return size;
  }
  return std::nullopt;
}

std::optional<std::size_t> read_word(const Value& value, std::span<const std::string_view> words) {
  std::string list;
  for (const std::string_view word : words) {
    list += (list.empty() ? "" : ", ") + std::string{word};
  }
  const auto text = value.scalar("one of " + list);
  if (!text) {
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found == words.end()) {
    value.fail(value.quote(*text) + " is not one of " + list + did_you_mean(*text, words));
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

}  // namespace keepsake
