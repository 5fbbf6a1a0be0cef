#include "http/fold_path.hpp"

#include <array>

#include "http/chars.hpp"
#include "http/hex.hpp"

namespace keepsake {
namespace {

constexpr auto kFolds = [] {
  std::array<bool, 256> table{};
  for (unsigned char c = 'A'; c <= 'Z'; ++c) {
    table[c] = true;
  }
  table['\\'] = table[';'] = table['%'] = true;
  return table;
}();

// The size of what stands for a slash at `at`; 0 if something else stands there.
std::size_t slash_size(std::string_view path, std::size_t at) {
  if (path[at] == '/' || path[at] == '\\') {
    return 1;
  }
  const int byte = path[at] == '%' ? percent_byte(path, at) : -1;
  return byte == '/' || byte == '\\' ? 3 : 0;
}

// One segment, without parameters and in lower case, behind `out`. False if it is empty or a dot
// segment, which leaves nothing but the slash before it.
bool append_segment(std::string_view segment, std::string& out) {
  segment = segment.substr(0, segment.find(';'));
  if (segment.empty() || segment == ".") {
    return false;
  }
  if (segment == "..") {
    out.resize(out.empty() ? 0 : out.rfind('/'));
    return false;
  }
  out += '/';
  for (const char c : segment) {
    out += to_lower(c);
  }
  return true;
}

}  // namespace

bool is_folded(std::string_view path) {
  bool folds = false;
  char last = 0;
  for (const char c : path) {
    folds = folds || kFolds[static_cast<unsigned char>(c)] || (c == '/' && last == '/');
    last = c;
  }
  return !folds;
}

void fold_path(std::string_view path, std::string& out) {
  out.clear();
  bool ends_in_slash = false;
  std::size_t at = 0;
  while (at < path.size()) {
    at += slash_size(path, at);
    std::size_t end = at;
    while (end < path.size() && slash_size(path, end) == 0) {
      ++end;
    }
    ends_in_slash = !append_segment(path.substr(at, end - at), out);
    at = end;
  }
  if (ends_in_slash) {
    out += '/';
  }
}

std::string fold_pattern(std::string_view pattern) {
  const bool prefix = pattern.ends_with("/*");
  std::string folded;
  fold_path(pattern.substr(0, pattern.size() - (prefix ? 2 : 0)), folded);
  return prefix ? folded + "/*" : folded;
}

}  // namespace keepsake
