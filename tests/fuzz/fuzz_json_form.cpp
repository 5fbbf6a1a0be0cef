// JSON bodies of actions beside Boost.JSON: what is taken is one flat object there too, with the
// same strings, and nothing that could not be stored comes out.

#include <array>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "http/json_form.hpp"

namespace {

using namespace keepsake;
using fuzz::must;
namespace json = boost::json;

void compare(const json::value& theirs, const std::string& ours) {
  must(!theirs.is_object() && !theirs.is_array());
  if (theirs.is_string()) {
    must(theirs.as_string() == ours);
  } else if (theirs.is_bool()) {
    must(ours == (theirs.as_bool() ? "true" : "false"));
  } else if (theirs.is_null()) {
    must(ours.empty());
  } else {
    must(!ours.empty() && ours.find_first_not_of("+-.0123456789eE") == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::as_text(data, size);
  constexpr std::array<std::string_view, 2> kWanted{"name", "color"};
  std::vector<std::string> values;
  const FormError error = read_json_form(body, kWanted, values);
  must(!is_json_type(body) || body.size() >= 16);
  if (error != FormError::None) {
    return 0;
  }
  must(values.size() == kWanted.size());
  boost::system::error_code failure;
  const json::value parsed = json::parse(body, failure);
  if (failure == json::error::exponent_overflow) {
    return 0;  // a spelling to us, a number to them
  }
  must(!failure && parsed.is_object());
  for (const auto& [name, value] : parsed.as_object()) {
    must(!value.is_object() && !value.is_array());
  }
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    must(storable_text(values[i]) && values[i].size() <= size);
    compare(parsed.as_object().at(kWanted[i]), values[i]);
  }
  return 0;
}
