#include "config/report.hpp"

#include <algorithm>
#include <tuple>

namespace keepsake {
namespace {

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

// True if `path` is `parent` itself or stands below it.
bool is_below(std::string_view path, std::string_view parent) {
  if (!path.starts_with(parent)) {
    return false;
  }
  return path.size() == parent.size() || parent.empty() || path[parent.size()] == '.' ||
         path[parent.size()] == '[';
}

// The path less its last step; steps are ".key", ".\"quoted\"" and "[index]".
std::string parent_of(std::string path) {
  if (path.ends_with('"')) {
    const std::size_t open = path.rfind('"', path.size() - 2);
    path.resize(open == std::string::npos ? 0 : open);
    if (path.ends_with('.')) {
      path.pop_back();
    }
    return path;
  }
  const std::size_t cut = path.find_last_of(".[");
  path.resize(cut == std::string::npos ? 0 : cut);
  return path;
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) {
    text += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
  }
  text += ": ";
  if (!problem.path.empty()) {
    text += problem.path + ": ";
  }
  return text + problem.message;
}

void Report::problem(Position position, std::string path, std::string message) {
  if (problems_.size() == max_problems) {
    problems_.push_back({file(position), position.line, position.column, "",
                         "more problems follow; mend these first"});
  }
  if (problems_.size() > max_problems) {
    return;
  }
  problems_.push_back(
      {file(position), position.line, position.column, std::move(path), std::move(message)});
}

void Report::problem(const std::string& path, std::string message) {
  if (!is_bad(path)) {
    problem(find(path), path, std::move(message));
  }
}

void Report::warning(const std::string& path, std::string message) {
  const Position position = find(path);
  warnings_.push_back(
      to_string(Problem{file(position), position.line, position.column, path, std::move(message)}));
}

bool Report::is_bad(std::string_view path) const {
  return std::any_of(problems_.begin(), problems_.end(),
                     [path](const Problem& problem) { return is_below(problem.path, path); });
}

std::vector<Problem> Report::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  return std::move(problems_);
}

std::string Report::place_text(Position position) const {
  return file(position) + ':' + std::to_string(position.line);
}

Position Report::find(std::string path) const {
  for (;;) {
    if (const auto found = places_.find(path); found != places_.end()) {
      return found->second;
    }
    if (path.empty()) {
      return {1, 1};
    }
    path = parent_of(std::move(path));
  }
}

std::string path_step(std::string_view key) {
  if (!key.empty() && std::all_of(key.begin(), key.end(), is_plain)) {
    return std::string{key};
  }
  std::string quoted = "\"";
  for (const char c : key) {
    // Terminals must not obey what a key holds, and a quote would end the step.
    const bool visible = static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '"';
    quoted += visible ? c : '?';
  }
  return quoted + '"';
}

std::string join_path(std::string_view parent, std::string_view key) {
  std::string path{parent};
  if (!path.empty()) {
    path += '.';
  }
  return path + path_step(key);
}

std::string join_path(std::string_view parent, std::size_t index) {
  return std::string{parent} + '[' + std::to_string(index) + ']';
}

}  // namespace keepsake
