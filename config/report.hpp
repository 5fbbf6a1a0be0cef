#pragma once
// The list of everything that is wrong with a configuration, each with its place in the file.
// Filled by the reader and by validate; printed by `keepsake check`, `run` and a reload.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keepsake {

// Line and column count from 1; 0 when the problem belongs to no line (a file that cannot be read).
struct Position {
  int line = 0;
  int column = 0;
  int file = 0;  // the index of the file in the Report
};

struct Problem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string path;     // "session.cookie.secure", "listen[0].address"; may be empty
  std::string message;  // what is wrong, what was expected
};

// "file:line:column: key.path: message"; parts that are not known are left out.
std::string to_string(const Problem& problem);

class Report {
 public:
  static constexpr std::size_t max_problems = 200;
  explicit Report(std::string_view file) : files_{std::string{file}} {}
  // Of several files, in their order.
  explicit Report(std::vector<std::string> files) : files_(std::move(files)) {}

  // Remembers where a key path stands, for problems that are found after reading.
  void place(const std::string& path, Position position) { places_.try_emplace(path, position); }
  // At a known place; for what the reader sees.
  void problem(Position position, std::string path, std::string message);
  // At the place of the path, or of the nearest parent that the file has. Says nothing where the
  // reader has already complained about this path or what is below it: that would be the same
  // mistake twice.
  void problem(const std::string& path, std::string message);
  // "path: message" with the place in front, like a problem.
  void warning(const std::string& path, std::string message);

  // True if something is already wrong at this path or below it.
  bool is_bad(std::string_view path) const;
  // True if the file has this key.
  bool has(const std::string& path) const { return places_.contains(path); }
  // In the order of the file.
  std::vector<Problem> take_problems();
  std::vector<std::string> take_warnings() { return std::move(warnings_); }
  bool empty() const { return problems_.empty(); }
  // "file:line"
  std::string place_text(Position position) const;

 private:
  Position find(std::string path) const;
  const std::string& file(Position position) const {
    return files_[static_cast<std::size_t>(position.file)];
  }

  std::vector<std::string> files_;
  std::map<std::string, Position> places_;
  std::vector<Problem> problems_;
  std::vector<std::string> warnings_;
};

// "key" for what can stand in a path without confusion, else "\"key\"".
std::string path_step(std::string_view key);
// `parent` and `key` with a dot between, as paths are written.
std::string join_path(std::string_view parent, std::string_view key);
std::string join_path(std::string_view parent, std::size_t index);

}  // namespace keepsake
