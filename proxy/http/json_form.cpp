#include "http/json_form.hpp"

#include "http/json_members.hpp"

namespace keepsake {

namespace {

FormError form_error(JsonError error) {
  switch (error) {
    case JsonError::None:
      return FormError::None;
    case JsonError::DuplicateName:
      return FormError::DuplicateName;
    case JsonError::TooManyMembers:
      return FormError::TooManyFields;
    case JsonError::Malformed:
      break;
  }
  return FormError::BadJson;
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  return is_utf8_type(content_type, "application/json");
}

FormError read_json_form(std::string_view body, std::span<const std::string_view> wanted,
                         std::vector<std::string>& values) {
  values.assign(wanted.size(), {});
  if (!valid_utf8(body)) {
    return FormError::BadUtf8;
  }
  JsonMembers members;
  if (const JsonError error = members.parse(body, {.depth = 1, .members = kMaxFormFields});
      error != JsonError::None) {
    return form_error(error);
  }
  std::size_t found = 0;
  for (const JsonMembers::Member& member : members.all()) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == member.path) {
        values[i] = member.text;
        ++found;
        if (!storable_text(member.text)) {
          return FormError::Control;
        }
      }
    }
  }
  return found == wanted.size() ? FormError::None : FormError::MissingField;
}

}  // namespace keepsake
