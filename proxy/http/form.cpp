#include "http/form.hpp"

#include <algorithm>
#include <cstring>

#include "http/chars.hpp"
#include "http/hex.hpp"
#include "http/utf8.hpp"

namespace keepsake {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
}

// Calls visit(name, value) for each pair, both still encoded; without '=', `assigned` is false.
// Ends early when visit does not return None.
template <class Visit>
FormError for_each_pair(std::string_view text, Visit&& visit) {
  for (std::size_t fields = 0; !text.empty();) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) {
      continue;
    }
    if (++fields > kMaxFormFields) {
      return FormError::TooManyFields;
    }
    const std::size_t equals = pair.find('=');
    const bool assigned = equals != std::string_view::npos;
    const FormError error = visit(
        pair.substr(0, equals), assigned ? pair.substr(equals + 1) : std::string_view{}, assigned);
    if (error != FormError::None) {
      return error;
    }
  }
  return FormError::None;
}

// False on a bad escape.
bool decode(std::string_view encoded, std::string& out) {
  out.clear();
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%') {
      const int byte = percent_byte(encoded, i);
      if (byte < 0) {
        return false;
      }
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += encoded[i] == '+' ? ' ' : encoded[i];
    }
  }
  return true;
}

FormError decode_text(std::string_view encoded, std::string& out) {
  if (!decode(encoded, out)) {
    return FormError::BadEscape;
  }
  if (!valid_utf8(out)) {
    return FormError::BadUtf8;
  }
  return std::any_of(out.begin(), out.end(), is_control) ? FormError::Control : FormError::None;
}

}  // namespace

std::string_view describe(FormError error) {
  switch (error) {
    case FormError::None:
      return "";
    case FormError::BadEscape:
      return "The form contains an incomplete percent-escape.";
    case FormError::BadUtf8:
      return "The form is not valid UTF-8.";
    case FormError::Control:
      return "The form contains a control character.";
    case FormError::MissingField:
      return "A field of the form is missing.";
    case FormError::TooManyFields:
      return "The form has too many fields.";
    case FormError::BadJson:
      return "The body is not one flat JSON object.";
    case FormError::DuplicateName:
      return "A name stands twice in the JSON object.";
  }
  return "";
}

bool is_form_type(std::string_view content_type) {
  return is_utf8_type(content_type, "application/x-www-form-urlencoded");
}

bool is_utf8_type(std::string_view content_type, std::string_view type) {
  std::size_t end = content_type.find(';');
  if (!equals_lower(trim(content_type.substr(0, end)), type)) {
    return false;
  }
  bool charset_seen = false;
  while (end != std::string_view::npos) {
    content_type.remove_prefix(end + 1);
    end = content_type.find(';');
    const std::string_view parameter = trim(content_type.substr(0, end));
    if (parameter.empty()) {  // RFC 9110 5.6.6 allows a lone semicolon
      continue;
    }
    if (charset_seen || (!equals_lower(parameter, "charset=utf-8") &&
                         !equals_lower(parameter, "charset=\"utf-8\""))) {
      return false;
    }
    charset_seen = true;
  }
  return true;
}

FormError read_form(std::string_view body, std::span<const std::string_view> wanted,
                    std::vector<std::string>& values) {
  values.assign(wanted.size(), {});
  std::vector<bool> found(wanted.size(), false);
  std::string name;
  const FormError error =
      for_each_pair(body, [&](std::string_view encoded_name, std::string_view value, bool) {
        if (!decode(encoded_name, name)) {
          return FormError::None;  // nobody's field
        }
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          if (found[i] || wanted[i] != name) {
            continue;
          }
          found[i] = true;
          const FormError bad = decode_text(value, values[i]);
          if (bad != FormError::None) {
            return bad;
          }
        }
        return FormError::None;
      });
  if (error != FormError::None) {
    return error;
  }
  return std::find(found.begin(), found.end(), false) == found.end() ? FormError::None
                                                                     : FormError::MissingField;
}

FormError read_pairs(std::string_view text, std::vector<FormPair>& pairs) {
  return for_each_pair(text, [&](std::string_view name, std::string_view value, bool assigned) {
    if (!assigned || name.empty()) {
      return FormError::MissingField;
    }
    FormPair pair;
    FormError error = decode_text(name, pair.first);
    if (error == FormError::None) {
      error = decode_text(value, pair.second);
    }
    if (error == FormError::None) {
      pairs.push_back(std::move(pair));
    }
    return error;
  });
}

bool is_checked(std::string_view value) {
  return !value.empty() && value != "0" && !equals_lower(value, "false") &&
         !equals_lower(value, "off");
}

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    // Eight ASCII bytes at a time: the common text is nothing else, and every session value of
    // every request comes through here.
    std::uint64_t word = 0;
    if (text.size() - i >= sizeof word) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080808080808080U) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const std::size_t size = decode_utf8(text, i).size;
    if (size == 0) {
      return false;
    }
    i += size;
  }
  return true;
}

bool storable_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_control) && valid_utf8(text);
}

}  // namespace keepsake
