#pragma once
// What of the session's cookie and headers works and may still not do what was meant, as far as the
// configuration shows it. Called by risks().

#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

void cookie_risks(const Config& config, std::vector<std::string>& out);

// Session headers that many backends refuse as too large.
void header_risks(const Config& config, std::vector<std::string>& out);

}  // namespace keepsake
