#pragma once
// The words of session.format, for the loader and for all that speaks of it.

#include <array>
#include <string_view>

#include "config/config.hpp"

namespace keepsake {

// `session_format_words[i]` stands for the enumerator of value i.
inline constexpr auto session_format_words = std::to_array<std::string_view>({"sealed", "flask"});

constexpr std::string_view to_string(SessionFormat format) {
  return session_format_words[static_cast<std::size_t>(format)];
}

}  // namespace keepsake
