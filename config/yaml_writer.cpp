#include "config/yaml_writer.hpp"

namespace keepsake {

std::string yaml_quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += hex[byte >> 4U];
      out += hex[byte & 0xFU];
      continue;
    } else if (text.substr(i, 2) == "${") {
      out += '$';
    }
    out += text[i];
  }
  return out + '"';
}

std::string yaml_scalar(std::string_view text) {
  const bool plain =
      !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z')) &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
          std::string_view::npos &&
      text != "true" && text != "false" && text != "null" && text != "True" && text != "False" &&
      text != "Null" && text != "TRUE" && text != "FALSE" && text != "NULL";
  return plain ? std::string{text} : yaml_quoted(text);
}

void YamlWriter::line(int depth, std::string_view key, std::string_view value) {
  out_.append(static_cast<std::size_t>(depth) * 2, ' ').append(key).append(":");
  if (!value.empty()) {
    out_.append(" ").append(value);
  }
  out_ += '\n';
}

void YamlWriter::item(int depth, std::string_view key, std::string_view value) {
  out_.append(static_cast<std::size_t>(depth) * 2, ' ').append("- ");
  line(0, key, value);
}

}  // namespace keepsake
