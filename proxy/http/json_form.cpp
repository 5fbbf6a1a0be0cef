#include "http/json_form.hpp"

#include <algorithm>
#include <set>

#include "http/hex.hpp"

namespace keepsake {
namespace {

bool is_json_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::uint32_t point, std::string& out) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | (point >> shift & 0x3FU));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | point >> 6U);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | point >> 12U);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | point >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

// Reads one value after the other from the front of the text; false, and the text means nothing any
// more, where the next byte does not fit.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  bool take(char wanted) {
    skip_space();
    return take_next(wanted);
  }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  bool read_string(std::string& out);
  // A string, number, true, false or null as text.
  bool read_scalar(std::string& out);

 private:
  bool take_next(char wanted) {
    if (!rest_.starts_with(wanted)) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    if (!rest_.starts_with(word)) {
      return false;
    }
    rest_.remove_prefix(word.size());
    return true;
  }
  bool take_digits() {
    const std::size_t count = static_cast<std::size_t>(
        std::find_if_not(rest_.begin(), rest_.end(), is_json_digit) - rest_.begin());
    rest_.remove_prefix(count);
    return count != 0;
  }
  bool read_number(std::string& out);
  bool read_escape(std::string& out);
  // The four digits behind \u, or -1.
  int read_unit();

  std::string_view rest_;
};

bool JsonReader::read_string(std::string& out) {
  out.clear();
  if (!take('"')) {
    return false;
  }
  while (!rest_.empty()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') {
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      return false;  // RFC 8259 7: only as an escape
    }
    if (c != '\\') {
      out += c;
    } else if (!read_escape(out)) {
      return false;
    }
  }
  return false;
}

bool JsonReader::read_escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (rest_.empty()) {
    return false;
  }
  const char letter = rest_.front();
  rest_.remove_prefix(1);
  if (letter != 'u') {
    const std::size_t at = kLetters.find(letter);
    out += at == std::string_view::npos ? '\0' : kMeanings[at];
    return at != std::string_view::npos;
  }
  const int unit = read_unit();
  if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000)) {
    return false;
  }
  if (unit < 0xD800 || unit >= 0xE000) {
    append_utf8(static_cast<std::uint32_t>(unit), out);
    return true;
  }
  const int low = take_word("\\u") ? read_unit() : -1;
  if (low < 0xDC00 || low >= 0xE000) {
    return false;
  }
  append_utf8(0x10000U + (static_cast<std::uint32_t>(unit - 0xD800) << 10U) +
                  static_cast<std::uint32_t>(low - 0xDC00),
              out);
  return true;
}

int JsonReader::read_unit() {
  if (rest_.size() < 4) {
    return -1;
  }
  int unit = 0;
  for (const char digit : rest_.substr(0, 4)) {
    const int value = hex_value(digit);
    if (value < 0) {
      return -1;
    }
    unit = unit * 16 + value;
  }
  rest_.remove_prefix(4);
  return unit;
}

bool JsonReader::read_number(std::string& out) {
  const std::string_view begin = rest_;
  take_next('-');
  if (!take_next('0') && !take_digits()) {
    return false;
  }
  if (take_next('.') && !take_digits()) {
    return false;
  }
  if (take_next('e') || take_next('E')) {
    if (!take_next('+')) {
      take_next('-');
    }
    if (!take_digits()) {
      return false;
    }
  }
  out = begin.substr(0, begin.size() - rest_.size());
  return true;
}

bool JsonReader::read_scalar(std::string& out) {
  skip_space();
  if (rest_.starts_with('"')) {
    return read_string(out);
  }
  for (const std::string_view word : {"true", "false"}) {
    if (take_word(word)) {
      out = word;
      return true;
    }
  }
  if (take_word("null")) {
    out.clear();
    return true;
  }
  return read_number(out);
}

// One member of the object; its name must be new.
FormError read_member(JsonReader& reader, std::set<std::string>& names, std::string& name,
                      std::string& value) {
  if (!reader.read_string(name) || !reader.take(':') || !reader.read_scalar(value)) {
    return FormError::BadJson;
  }
  if (names.size() == kMaxFormFields) {
    return FormError::TooManyFields;
  }
  return names.insert(name).second ? FormError::None : FormError::DuplicateName;
}

// Calls visit(name, value) for each member, and ends early when that does not return None.
template <class Visit>
FormError read_object(std::string_view body, Visit visit) {
  JsonReader reader{body};
  if (!reader.take('{')) {
    return FormError::BadJson;
  }
  std::set<std::string> names;
  std::string name;
  std::string value;
  const bool empty = reader.take('}');
  for (bool more = !empty; more; more = reader.take(',')) {
    FormError error = read_member(reader, names, name, value);
    if (error == FormError::None) {
      error = visit(name, value);
    }
    if (error != FormError::None) {
      return error;
    }
  }
  return (empty || reader.take('}')) && reader.at_end() ? FormError::None : FormError::BadJson;
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  return is_utf8_type(content_type, "application/json");
}

FormError read_json_form(std::string_view body, std::span<const std::string_view> wanted,
                         std::vector<std::string>& values) {
  values.assign(wanted.size(), {});
  std::size_t found = 0;
  if (!valid_utf8(body)) {
    return FormError::BadUtf8;
  }
  const auto keep = [&](const std::string& name, const std::string& value) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == name) {
        values[i] = value;
        ++found;
        if (!storable_text(value)) {
          return FormError::Control;
        }
      }
    }
    return FormError::None;
  };
  if (const FormError error = read_object(body, keep); error != FormError::None) {
    return error;
  }
  return found == wanted.size() ? FormError::None : FormError::MissingField;
}

}  // namespace keepsake
