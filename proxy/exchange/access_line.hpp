#pragma once
// One exchange as one line of the access log: the combined format with a few fields behind it,
// JSON, or the fields that log.fields chooses. Called by log_access. Every byte of the network is
// escaped so that it can neither end its field nor its line; no cookie, no session value, no header
// but Referer, User-Agent and Host.

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"

namespace keepsake {

struct Exchange;

// Appends the line with its '\n'.
void append_access_line(Exchange& x, const LogConfig& config, SteadyTime ended, std::string& out);

}  // namespace keepsake
