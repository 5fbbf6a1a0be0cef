#pragma once
// What a configuration may take from outside its file: environment variables and the files of
// secrets and certificates. Given to the loader, so that a test brings its own world.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

// Why a file could not be read, in a few words.
struct FileError {
  std::string why;
  bool missing = false;  // there is none, so making one destroys nothing
};

struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // The whole file, at most `max_file_bytes`; empty with the reason in `error`.
  std::function<std::optional<std::string>(const std::string& path, FileError& error)> read_file;

  static constexpr std::size_t max_file_bytes = 1024 * 1024;
  // getenv and the file system of this process.
  static Environment process();
};

// Replaces ${NAME} and ${NAME:-default}; $${ is a literal ${. Empty with one short sentence in
// `error` when a variable is missing or the braces do not close. A default is taken as it stands
// and is used for a variable that is missing or empty, as in a shell.
std::optional<std::string> expand_variables(std::string_view text, const Environment& environment,
                                            std::string& error);

}  // namespace keepsake
