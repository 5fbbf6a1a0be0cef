#include "http/original_request.hpp"

#include <initializer_list>

#include "http/chars.hpp"
#include "http/safe_location.hpp"

namespace keepsake {

namespace {

// The last line of that very name; `name` is lower case.
std::optional<std::string_view> last_value(const RequestHead& head, std::string_view name) {
  std::optional<std::string_view> value;
  for (const Field& field : head.fields) {
    if (equals_lower(field.name, name)) {
      value = field.value;
    }
  }
  return value;
}

// The first of the names that came at all.
std::string_view first_of(const RequestHead& head, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto value = last_value(head, name)) {
      return *value;
    }
  }
  return {};
}

std::string_view without_host(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (equals_ignoring_case(url.substr(0, scheme.size()), scheme)) {
      url.remove_prefix(scheme.size());
      const std::size_t end = url.find_first_of("/?#");
      return end == std::string_view::npos ? std::string_view{"/"} : url.substr(end);
    }
  }
  return url;
}

}  // namespace

OriginalRequest read_original_request(const RequestHead& head) {
  OriginalRequest original;
  const std::string_view method = first_of(head, {"x-forwarded-method", "x-original-method"});
  if (!method.empty()) {
    original.method = method == "GET"    ? Method::Get
                      : method == "HEAD" ? Method::Head
                                         : Method::Other;  // whatever: no page load
  }
  const std::string_view page =
      without_host(first_of(head, {"x-forwarded-uri", "x-original-uri", "x-original-url"}));
  if (is_safe_location(page)) {
    original.page = page;
  }
  return original;
}

}  // namespace keepsake
