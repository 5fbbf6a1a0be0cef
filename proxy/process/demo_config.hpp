#pragma once
// The configuration of `keepsake run --demo`: the tutorial, with a key that nobody else ever has.

#include <cstdint>
#include <string>
#include <string_view>

#include "config/load.hpp"

namespace keepsake {

// Stands where a file's name is said.
inline constexpr std::string_view kDemoConfigFile = "--demo";

// In front of a demo backend at 127.0.0.1:backend_port, on `listen` (host:port, in which alone
// there may be a problem).
Loaded demo_config(const std::string& listen, std::uint16_t backend_port);

}  // namespace keepsake
