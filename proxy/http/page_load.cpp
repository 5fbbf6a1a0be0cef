#include "http/page_load.hpp"

#include <algorithm>
#include <optional>

#include "http/chars.hpp"
#include "http/weight.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kSecFetch = "sec-fetch-";

// The one value of a header; empty text, which names nothing, where it came twice.
std::optional<std::string_view> only_value(const RequestHead& head, std::string_view name) {
  std::optional<std::string_view> value;
  for (const Field& field : head.fields) {
    if (equals_lower(field.name, name)) {
      value = value ? std::string_view{} : field.value;
    }
  }
  return value;
}

bool says_where_it_goes(const RequestHead& head) {
  return std::any_of(head.fields.begin(), head.fields.end(), [](const Field& field) {
    return equals_lower(field.name.substr(0, kSecFetch.size()), kSecFetch);
  });
}

}  // namespace

bool names_media_type(const RequestHead& head, std::string_view type) {
  bool named = false;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Accept || !field.exact) {
      continue;
    }
    for_each_list_element(field.value, [&](std::string_view element) {
      const std::size_t end = std::min(element.find(';'), element.size());
      const std::string_view parameters = element.substr(std::min(end + 1, element.size()));
      named = named || (equals_lower(trim(element.substr(0, end)), type) &&
                        read_weight(parameters).value_or(0) > 0);
    });
  }
  return named;
}

bool is_page_load(const RequestHead& head) {
  return is_page_load(head, head.method);
}

bool is_page_load(const RequestHead& head, Method method) {
  if (method != Method::Get && method != Method::Head) {
    return false;
  }
  return says_where_it_goes(head) ? only_value(head, "sec-fetch-mode") == "navigate"
                                  : names_media_type(head, "text/html");
}

bool is_top_page(const RequestHead& head) {
  return is_top_page(head, head.method);
}

bool is_top_page(const RequestHead& head, Method method) {
  return is_page_load(head, method) &&
         only_value(head, "sec-fetch-dest").value_or("document") == "document";
}

}  // namespace keepsake
