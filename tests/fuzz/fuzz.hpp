#pragma once
// What the fuzz targets share. A target defines LLVMFuzzerTestOneInput and calls must() on what has
// to hold for every input; with clang and KEEPSAKE_FUZZ libFuzzer drives it, otherwise replay.cpp
// does.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace keepsake::fuzz {

inline void must(bool held) {
  if (!held) {
    std::abort();
  }
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// `count` parts split at line feeds; the last takes the rest, missing ones are empty.
inline std::vector<std::string_view> split_lines(std::string_view text, std::size_t count) {
  std::vector<std::string_view> lines(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 == count ? std::string_view::npos : text.find('\n');
    lines[i] = text.substr(0, end);
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Whether `part` is a view into `whole`.
inline bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace keepsake::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
