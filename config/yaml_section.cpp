// Section and read_names of yaml_reader.hpp: maps, and the keys that nobody asked for.

#include <algorithm>
#include <map>

#include "config/did_you_mean.hpp"
#include "config/yaml_reader.hpp"

namespace keepsake {
namespace {

// The indices of the entries whose keys are text and stand there for the first time; complains
// about the others.
std::vector<std::size_t> good_entries(const Value& map) {
  std::vector<std::size_t> good;
  std::map<std::string_view, int> lines;
  Report& report = map.reading().report;
  const auto& keys = map.node().keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const YamlNode& key = keys[i];
    if (key.kind != YamlNode::Kind::Scalar) {
      report.problem(key.position, map.path(),
                     "this key is no text" + map.reading().flow_hint(key.position));
      continue;
    }
    const auto [first, fresh] = lines.emplace(key.text, key.position.line);
    if (fresh) {
      good.push_back(i);
    } else {
      report.problem(key.position, join_path(map.path(), key.text),
                     "this key is here twice, first in line " + std::to_string(first->second));
    }
  }
  return good;
}

}  // namespace

Section::Section(const Value& value) : value_(value) {
  if (!value_.is_map()) {
    value_.expected("a map of keys and values");
  }
}

std::optional<Value> Section::find(std::string_view key) {
  known_.push_back(key);
  const std::string& outer = value_.pattern();
  const std::string pattern = outer.empty() ? std::string{key} : outer + '.' + std::string{key};
  value_.reading().known.insert(pattern);
  if (value_.is_map()) {
    const auto& keys = value_.node().keys;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i].kind == YamlNode::Kind::Scalar && keys[i].text == key) {
        value_.reading().used.insert(pattern);
        return Value{value_.reading(), value_.node().items[i], join_path(value_.path(), key),
                     pattern};
      }
    }
  }
  return std::nullopt;
}

std::optional<Value> Section::find_optional(std::string_view key) {
  auto value = find(key);
  return value && value->is_null() ? std::nullopt : value;
}

void Section::boolean(std::string_view key, bool& out) {
  if (const auto value = find(key)) {
    read(*value, out);
  }
}

void Section::text(std::string_view key, std::string& out) {
  if (const auto value = find(key)) {
    read(*value, out);
  }
}

void Section::size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
  if (const auto value = find(key)) {
    out = read_size(*value, min, max).value_or(out);
  }
}

void Section::finish() {
  if (!value_.is_map()) {
    return;
  }
  for (const std::size_t i : good_entries(value_)) {
    const YamlNode& key = value_.node().keys[i];
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) {
      continue;
    }
    std::string message = "unknown key" + did_you_mean(key.text, known_);
    if (key.text == "<<") {
      message = "merge keys (<<) are not understood; repeat the keys";
    } else if (key.flow || value_.node().flow) {
      message += value_.reading().flow_hint(key.position);
    }
    value_.reading().report.problem(key.position, join_path(value_.path(), key.text),
                                    std::move(message));
  }
}

std::vector<NamedValue> read_names(const Value& value, std::string_view what) {
  std::vector<NamedValue> values;
  if (!value.is_map()) {
    value.expected(what);
    return values;
  }
  for (const std::size_t i : good_entries(value)) {
    const std::string& name = value.node().keys[i].text;
    values.push_back({name, Value{value.reading(), value.node().items[i],
                                  join_path(value.path(), name), value.pattern() + ".*"}});
  }
  return values;
}

}  // namespace keepsake
