#include "config/environment.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace keepsake {
namespace {

// In containers and services one is rarely the user that one thinks.
FileError why_not(int code) {
  FileError error{std::generic_category().message(code), code == ENOENT};
  if (code == EACCES) {
    error.why.append(" for user ").append(std::to_string(::geteuid()));
  }
  return error;
}

std::optional<std::string> read_whole_file(const std::string& path, FileError& error) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    error = why_not(errno);
    return std::nullopt;
  }
  std::string content;
  std::array<char, 16 * 1024> piece{};
  ssize_t got = 0;
  while ((got = ::read(file, piece.data(), piece.size())) > 0 || (got < 0 && errno == EINTR)) {
    content.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (content.size() > Environment::max_file_bytes) {
      break;
    }
  }
  const int code = errno;
  ::close(file);
  OPENSSL_cleanse(piece.data(), piece.size());  // it may have been a secret
  if (got < 0) {
    error = why_not(code);
    return std::nullopt;
  }
  if (content.size() > Environment::max_file_bytes) {
    error = {"larger than 1MiB"};
    return std::nullopt;
  }
  return content;
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Environment Environment::process() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value != nullptr ? std::optional<std::string>{value} : std::nullopt;
          },
          read_whole_file};
}

std::optional<std::string> expand_variables(std::string_view text, const Environment& environment,
                                            std::string& error) {
  std::string out;
  for (;;) {
    const std::size_t start = text.find("${");
    if (start == std::string_view::npos) {
      return out.append(text);
    }
    if (start > 0 && text[start - 1] == '$') {
      out.append(text.substr(0, start - 1)).append("${");
      text.remove_prefix(start + 2);
      continue;
    }
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) {
      error = "the brace of ${ is never closed; $${ stands for a literal ${";
      return std::nullopt;
    }
    const std::string_view inside = text.substr(start + 2, end - start - 2);
    const std::size_t dash = inside.find(":-");
    const std::string name{inside.substr(0, dash)};
    if (!is_variable_name(name)) {
      error = "${...} holds no name of an environment variable; $${ stands for a literal ${";
      return std::nullopt;
    }
    out.append(text.substr(0, start));
    const auto value = environment.variable(name);
    if (dash != std::string_view::npos) {
      out.append(value && !value->empty() ? std::string_view{*value} : inside.substr(dash + 2));
    } else if (value) {
      out.append(*value);
    } else {
      error = "the environment variable " + name + " is not set; ${" + name +
              ":-value} gives a default";
      return std::nullopt;
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace keepsake
