// Forms: what is read is storable, both readers agree, and what was encoded reads back.

#include <array>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "http/form.hpp"
#include "http/value_encoding.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

// '&' and '=' are plain to append_percent, but not in a form.
std::string form_encoded(std::string_view text) {
  std::string percent;
  append_percent(text, percent);
  std::string out;
  for (const char c : percent) {
    if (c == '&') {
      out += "%26";
    } else if (c == '=') {
      out += "%3d";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::as_text(data, size);
  constexpr std::array<std::string_view, 2> kWanted{"name", "color"};
  std::vector<std::string> values;
  const FormError form = read_form(body, kWanted, values);
  if (form == FormError::None) {
    must(values.size() == kWanted.size());
    for (const std::string& value : values) {
      must(storable_text(value) && value.size() <= size);
    }
  }

  std::vector<FormPair> pairs;
  if (read_pairs(body, pairs) == FormError::None) {
    must(pairs.size() <= kMaxFormFields);
    std::string again;
    for (const auto& [key, value] : pairs) {
      must(storable_text(key) && storable_text(value));
      again += (again.empty() ? "" : "&") + form_encoded(key) + "=" + form_encoded(value);
    }
    std::vector<FormPair> same;
    must(read_pairs(again, same) == FormError::None && same == pairs);
    for (std::size_t i = 0; form == FormError::None && i < kWanted.size(); ++i) {
      std::size_t first = 0;
      while (first < pairs.size() && pairs[first].first != kWanted[i]) {
        ++first;
      }
      must(first < pairs.size() && pairs[first].second == values[i]);
    }
  }
  must(!is_form_type(body) || body.size() >= 33);
  must(!storable_text(body) || valid_utf8(body));
  return 0;
}
