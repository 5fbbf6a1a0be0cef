#pragma once
// Finds the word that a mistyped one was meant to be. Used by the readers of the configuration.

#include <span>
#include <string>
#include <string_view>

namespace keepsake {

// The nearest of `words` as "; did you mean "X"?", or nothing when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

}  // namespace keepsake
