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

void redirect_to_https(const Config& config, const Refuse& refuse) {
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    if (config.listen[i].redirect_to_https) {
      refuse(join_path("listen", i) + ".redirect_to_https", "redirect_to_https");
    }
  }
}

void server_tls(const Config& config, const Refuse& refuse) {
  for (const BackendConfig& backend : config.backends) {
    if (!(backend.tls == BackendTls{})) {
      refuse(join_path("backends", backend.name) + ".tls", "tls of a backend");
    }
  }
}

void log_fields(const Config& config, const Refuse& refuse) {
  if (!config.log.fields.empty()) {
    refuse("log.fields", "choosing the fields");
  }
}

void admin_token(const Config& config, const Refuse& refuse) {
  if (config.admin.token) {
    refuse("admin.token", "listing and ending sessions");
  }
}

void traceparent(const Config& config, const Refuse& refuse) {
  if (config.traceparent) {
    refuse("traceparent", "traceparent");
  }
}

constexpr void (*not_built_yet[])(const Config&, const Refuse&) = {
    backend_tls, listener_tls, proxy_protocol, redirect_to_https,
    server_tls,  log_fields,   admin_token,    traceparent,
};

}  // namespace

void check_available(const Config& config, Report& report) {
  for (const auto check : not_built_yet) {
    check(config, Refuse{report});
  }
}

}  // namespace keepsake
