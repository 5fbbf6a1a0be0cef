#pragma once
// The name of a session outside Keepsake: SHA-256 of its id. Whoever reads a store, a log or a
// metric cannot make a cookie of it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "session/session.hpp"

namespace keepsake {

using StoreKey = std::array<std::uint8_t, 32>;

StoreKey store_key(const SessionId& id);

// The same as 64 hex digits.
void append_store_key(const SessionId& id, std::string& out);
void append_store_key(const StoreKey& key, std::string& out);

// Of exactly those digits, in lower case.
std::optional<StoreKey> parse_store_key(std::string_view hex);

}  // namespace keepsake
