#pragma once
// The keys that the language has and this version does not execute yet. Called by load.cpp last; a
// key at its default is always fine.

#include "config/config.hpp"
#include "config/report.hpp"

namespace keepsake {

void check_available(const Config& config, Report& report);

}  // namespace keepsake
