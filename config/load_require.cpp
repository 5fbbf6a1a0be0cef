// routes[].require and else: of the configuration.

#include "config/load_parts.hpp"

namespace keepsake {
namespace {

constexpr std::string_view forms = "keys, as in [user], or keys and values, as in {role: [admin]}";

void load_values(const Value& value, Requirement& required) {
  if (value.is_scalar()) {
    read(value, required.values.emplace_back());
    return;
  }
  for (const Value& item : value.items("values, as in [admin, owner]")) {
    read(item, required.values.emplace_back());
  }
  if (value.is_list() && value.node().items.empty()) {
    value.fail("an empty list admits nobody; write require: [KEY] where any value will do");
  }
}

}  // namespace

void load_require(const Value& value, std::vector<Requirement>& require) {
  if (value.is_map()) {
    for (const auto& [key, values] : read_names(value, forms)) {
      Requirement& required = require.emplace_back();
      required.key = key;
      load_values(values, required);
    }
  } else if (value.is_list()) {
    for (const Value& item : value.items("session keys, as in [user]")) {
      read(item, require.emplace_back().key);
    }
  } else {
    value.expected(forms);
    return;
  }
  if (require.empty()) {
    value.fail("is empty and admits everybody; leave the key out");
  }
}

}  // namespace keepsake
