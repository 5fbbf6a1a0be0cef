#include "admin/run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "admin/admin_listener.hpp"
#include "admin/config_file.hpp"
#include "admin/control.hpp"
#include "admin/describe.hpp"
#include "admin/exit_code.hpp"
#include "admin/process.hpp"
#include "base/log.hpp"

namespace keepsake {
namespace {

// In a terminal a few lines for a person.
void greet_person(const Config& config, const Server& server, const AdminListener& admin,
                  const Status& status) {
  const auto line = [](std::string_view what, const std::string& text) {
    fmt::print(stderr, "  {:<10} {}\n", what, text);
  };
  fmt::print(stderr, "Keepsake {}\n", KEEPSAKE_VERSION);
  for (const std::string& listener : describe_listeners(config, server.ports())) {
    line("listens", listener);
  }
  for (const std::string& backend : describe_backends(config)) {
    line("forwards", backend);
  }
  line("sessions", describe_sessions(config));
  if (admin.address()) {
    line("admin", "http://" + admin.address()->to_string());
  }
  line("configured", status.config_file + " (SIGHUP reads it again)");
}

// Otherwise one log line per fact, for whatever collects them.
void greet_log(const Config& config, const Server& server, const AdminListener& admin,
               const Status& status) {
  log::info("keepsake {} runs by {}", KEEPSAKE_VERSION, status.config_file);
  for (const std::string& listener : describe_listeners(config, server.ports())) {
    log::info("listening on {}", listener);
  }
  if (admin.address()) {
    log::info("listening on {} for administration", admin.address()->to_string());
  }
  for (const std::string& backend : describe_backends(config)) {
    log::info("forwarding to {}", backend);
  }
  log::info("sessions: {}", describe_sessions(config));
}

}  // namespace

int run_command(const std::string& config_file) {
  harden_process();
  const auto path = find_config_file(config_file, std::cerr);
  if (!path) {
    return kWrongInput;
  }
  auto config = load_or_explain(*path, std::cerr);
  if (!config) {
    return kWrongInput;
  }
  apply_log(config->log);

  const SystemClock clock;
  asio::io_context io{1};
  Status status;
  status.config_file = *path;
  status.started = status.loaded = unix_seconds(clock.wall());
  Control control{io, clock, status};

  const auto lowered = fit_descriptors(*config);
  Server server{std::move(*config), clock};
  const auto snapshot = server.snapshot();
  const Config& running = snapshot->config;
  AdminListener admin{io, server, status};
  std::string error;
  if (running.admin.address && !admin.open(*running.admin.address, error)) {
    log::error("{}: admin.address: cannot listen on {}: {}", *path,
               running.admin.address->to_string(), error);
    return kFailed;
  }
  if (!server.start(error)) {
    log::error("{}: listen: {}", *path, error);
    return kFailed;
  }
  if (admin.address()) {
    admin.start();
  }
  const auto greet = ::isatty(STDERR_FILENO) == 1 ? greet_person : greet_log;
  greet(running, server, admin, status);
  if (lowered) {
    log::warn("{}", *lowered);
  }
  for (const std::string& risk : risks(running)) {
    log::warn("{}", risk);
  }
  control.run(server);
  return kFine;
}

}  // namespace keepsake
