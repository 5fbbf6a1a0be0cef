#pragma once
// What the control thread knows about the process and the admin listener tells: written by the
// control loop, read by the admin listener, both on the main thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace keepsake {

struct Status {
  std::string config_file;
  std::int64_t started = 0;  // unix seconds
  std::int64_t loaded = 0;   // when the configuration in use was read
  std::size_t watched_files = 0;  // 0: `reload: signal`
  bool draining = false;
  std::uint64_t reloads_done = 0;
  std::uint64_t reloads_refused = 0;
  // Of the last reload; empty if it was taken.
  std::int64_t refused_at = 0;
  std::vector<std::string> refusal;
  // Settings that the file has and that the process takes over only when it is started again.
  std::vector<std::string> needs_restart;
};

}  // namespace keepsake
