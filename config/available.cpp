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
    log_fields,
    admin_token,
    traceparent,
};

}  // namespace

void check_available(const Config& config, Report& report) {
  for (const auto check : not_built_yet) {
    check(config, Refuse{report});
  }
}

}  // namespace keepsake
