#include "config/merge_yaml.hpp"

#include <algorithm>

namespace keepsake {
namespace {

void merge_at(YamlNode& into, YamlNode more, const std::string& path, Report& report) {
  const std::size_t mine = into.keys.size();  // a key twice in one file is the reader's to refuse
  for (std::size_t i = 0; i < more.keys.size(); ++i) {
    YamlNode& key = more.keys[i];
    const auto end = into.keys.begin() + static_cast<std::ptrdiff_t>(mine);
    const auto same = std::find_if(into.keys.begin(), end, [&](const YamlNode& one) {
      return one.kind == YamlNode::Kind::Scalar && key.kind == YamlNode::Kind::Scalar &&
             one.text == key.text;
    });
    if (same == end) {
      into.keys.push_back(std::move(key));
      into.items.push_back(std::move(more.items[i]));
      continue;
    }
    YamlNode& known = into.items[static_cast<std::size_t>(same - into.keys.begin())];
    std::string below = join_path(path, key.text);
    if (known.kind == YamlNode::Kind::Map && more.items[i].kind == YamlNode::Kind::Map) {
      merge_at(known, std::move(more.items[i]), below, report);
    } else {
      report.problem(key.position, std::move(below),
                     "this key is in two files, first in " + report.place_text(same->position));
    }
  }
}

}  // namespace

void merge_yaml(YamlNode& into, YamlNode more, Report& report) {
  merge_at(into, std::move(more), "", report);
}

}  // namespace keepsake
