#pragma once
// How many threads can run at once here: what `workers: auto` stands for.

#include <string>

namespace keepsake {

// The cores that the process may use (its affinity), or fewer if its control group may not use that
// much time: a quota of 1.5 cores makes 2. At least 1. Both versions of control groups are looked
// at, the group itself and those above it. `root` is put in front of /proc and /sys, for tests.
unsigned usable_cores(const std::string& root = "");

// Only the quota, rounded up; 0: there is none.
unsigned cores_of_quota(const std::string& root);

}  // namespace keepsake
