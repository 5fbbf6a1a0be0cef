#pragma once
// `keepsake health`: one GET, and whether its answer was good. For the health checks of containers,
// which have no other HTTP client. Follows no redirect, speaks plain http only.

#include <string>

namespace keepsake {

struct HealthOptions {
  std::string url;          // http://host[:port][/path]
  std::string unix_socket;  // connect here instead; the url then only says Host and path
  std::string timeout = "5s";
};

int health_command(const HealthOptions& options);

}  // namespace keepsake
