#pragma once
// What an index of sessions keeps in place of a value: HMAC-SHA256 of it. A reader of the store
// cannot tell whose sessions they are, nor try out names.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace keepsake {

using IndexTag = std::array<std::uint8_t, 32>;

// `key`: 32 bytes; `name`: the session key that is indexed.
IndexTag index_tag(std::span<const std::uint8_t, 32> key, std::string_view name,
                   std::string_view value);

}  // namespace keepsake
