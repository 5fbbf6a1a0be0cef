#pragma once
// `keepsake top`: a live screen of the metrics of a running keepsake, in a terminal; one frame of
// text anywhere else.

#include <string>

namespace keepsake {

struct TopOptions {
  std::string url;          // http://host[:port][/path]; without a path /metrics
  std::string unix_socket;  // connect here instead
  std::string interval = "1s";
  bool once = false;
};

int top_command(const TopOptions& options);

}  // namespace keepsake
