#pragma once
// `keepsake run`: from a configuration file to a serving process, and back down in order.

#include <cstdint>
#include <string>

namespace keepsake {

struct RunOptions {
  std::string config_file;  // empty: where it is looked for
  // With --demo there is no file: the tutorial on `demo_listen`, in front of a demo backend that
  // the caller runs at this port of the loopback. 0: no demo.
  std::uint16_t demo_backend = 0;
  std::string demo_listen;
};

int run_command(const RunOptions& options);

}  // namespace keepsake
