#include "config/available.hpp"

namespace keepsake {
namespace {

// Each finds its own feature in the configuration and calls refuse(path, what). To bring a feature
// in: delete its function and its line in the table below.
struct Refuse {
  Report& report;
  void operator()(const std::string& path, const std::string& what) const {
    report.problem(path, what + " is not available in this version");
  }
};

void backend_tls(const Config& config, const Refuse& refuse) {
  for (const BackendConfig& backend : config.backends) {
    for (std::size_t i = 0; i < backend.servers.size(); ++i) {
      if (backend.servers[i].tls) {
        refuse(join_path(join_path("backends", backend.name) + ".servers", i),
               "an https:// server");
      }
    }
  }
}

void listener_tls(const Config& config, const Refuse& refuse) {
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    if (config.listen[i].tls) {
      refuse(join_path("listen", i) + ".tls", "TLS at a listener");
    }
  }
}

void proxy_protocol(const Config& config, const Refuse& refuse) {
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    if (config.listen[i].proxy_protocol) {
      refuse(join_path("listen", i) + ".proxy_protocol", "the PROXY protocol");
    }
  }
}

void balance_least_requests(const Config& config, const Refuse& refuse) {
  for (const BackendConfig& backend : config.backends) {
    if (backend.balance == Balance::LeastRequests) {
      refuse(join_path("backends", backend.name) + ".balance", "balance: least_requests");
    }
  }
}

void balance_session_hash(const Config& config, const Refuse& refuse) {
  for (const BackendConfig& backend : config.backends) {
    if (backend.balance == Balance::SessionHash) {
      refuse(join_path("backends", backend.name) + ".balance", "balance: session_hash");
    }
  }
}

void health_check(const Config& config, const Refuse& refuse) {
  for (const BackendConfig& backend : config.backends) {
    if (backend.health_check) {
      refuse(join_path("backends", backend.name) + ".health_check", "an active health check");
    }
  }
}

constexpr void (*not_built_yet[])(const Config&, const Refuse&) = {
    backend_tls,
    listener_tls,
    proxy_protocol,
    balance_least_requests,
    balance_session_hash,
    health_check,
};

}  // namespace

void check_available(const Config& config, Report& report) {
  for (const auto check : not_built_yet) {
    check(config, Refuse{report});
  }
}

}  // namespace keepsake
