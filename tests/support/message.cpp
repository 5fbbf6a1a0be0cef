#include "support/message.hpp"

#include <strings.h>

#include <cstdio>

namespace keepsake::test {

std::string escaped(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n\n";
    } else if (byte < 0x20 || byte >= 0x7f || c == '\\') {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x", byte);
      out += hex;
    } else {
      out += c;
    }
  }
  return out;
}

std::string Message::start_line() const {
  return head.substr(0, head.find("\r\n"));
}

unsigned Message::status() const {
  return head.size() > 12 && head.starts_with("HTTP/1.1 ")
             ? static_cast<unsigned>(std::stoul("0" + head.substr(9, 3)))
             : 0;
}

std::vector<std::string> Message::lines() const {
  std::vector<std::string> found;
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 4 < head.size()) {
    const std::size_t end = head.find("\r\n", at + 2);
    found.push_back(head.substr(at + 2, end - at - 2));
    at = end;
  }
  return found;
}

std::vector<std::string> Message::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const std::string& line : lines()) {
    const std::size_t colon = line.find(':');
    if (colon == name.size() && ::strncasecmp(line.data(), name.data(), colon) == 0) {
      const std::size_t start = line.find_first_not_of(" \t", colon + 1);
      found.push_back(start == std::string::npos ? "" : line.substr(start));
    }
  }
  return found;
}

std::string Message::value(std::string_view name) const {
  const std::vector<std::string> found = values(name);
  if (found.size() == 1) {
    return found.front();
  }
  return found.empty() ? "(absent)" : "(" + std::to_string(found.size()) + " of them)";
}

std::string Message::set_cookie(std::string_view name) const {
  for (const std::string& line : values("Set-Cookie")) {
    if (line.starts_with(std::string{name} + "=")) {
      return line.substr(name.size() + 1, line.find(';') - name.size() - 1);
    }
  }
  return "(absent)";
}

}  // namespace keepsake::test
