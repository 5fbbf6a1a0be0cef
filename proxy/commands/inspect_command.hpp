#pragma once
// `keepsake inspect`: what a cookie says, or exactly why nobody here believes it. Prints the
// visitor's values to whoever holds the keys; never the keys.

#include <string>

namespace keepsake {

struct InspectOptions {
  std::string config_file;
  std::string cookie;  // a value, NAME=VALUE or a whole Cookie line; "-": read from standard input
  std::string host;    // with session.cookie.bind_host: that of the request
};

int inspect_command(const InspectOptions& options);

}  // namespace keepsake
