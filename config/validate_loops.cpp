// Servers of backends that are Keepsake itself: what can be told without asking a name service. The
// rest is found when a connection is to be made.

#include <vector>

#include "config/validate.hpp"
#include "io/local_address.hpp"

namespace keepsake {
namespace {

// What the host of an address may mean; nothing for a name that only a name service knows.
std::vector<IpAddress> addresses_of(const std::string& host) {
  if (host == "localhost") {
    return {kLoopbackV4, kLoopbackV6};
  }
  const auto ip = parse_ip(host);
  if (!ip) {
    return {};
  }
  return {*ip};
}

// Whether a connection to `server` comes to a socket that is bound to `own`.
bool reaches(const IpAddress& own, const IpAddress& server) {
  const bool unspecified = server == kAnyV4 || server == kAnyV6;
  if (own == kAnyV4 || own == kAnyV6) {
    return own.is_v4() == server.is_v4() && (unspecified || is_local_address(server));
  }
  return own == server || (unspecified && own == (server.is_v4() ? kLoopbackV4 : kLoopbackV6));
}

bool is_itself(const SocketAddress& own, const SocketAddress& server) {
  if (own.kind != server.kind) {
    return false;
  }
  if (own.kind == SocketAddress::Kind::Unix) {
    return own.path == server.path;
  }
  if (own.port != server.port) {
    return false;
  }
  for (const IpAddress& at : addresses_of(own.host)) {
    for (const IpAddress& to : addresses_of(server.host)) {
      if (reaches(at, to)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void validate_loops(const Config& config, Report& report) {
  for (const BackendConfig& backend : config.backends) {
    const std::string servers = join_path(join_path("backends", backend.name), "servers");
    for (std::size_t i = 0; i < backend.servers.size(); ++i) {
      for (std::size_t j = 0; j < config.listen.size(); ++j) {
        if (is_itself(config.listen[j].address, backend.servers[i].address)) {
          report.warning(join_path(servers, i), "is Keepsake itself, which listens there (" +
                                                    join_path(join_path("listen", j), "address") +
                                                    "): its requests are answered 508");
          break;
        }
      }
    }
  }
}

}  // namespace keepsake
