#include "process/run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "admin/admin_listener.hpp"
#include "admin/process.hpp"
#include "io/log.hpp"
#include "process/certificate_watch.hpp"
#include "process/config_file.hpp"
#include "process/control.hpp"
#include "process/demo_config.hpp"
#include "process/describe.hpp"
#include "process/exit_code.hpp"
#include "process/log_files.hpp"
#include "process/service_manager.hpp"
#include "process/upgrade.hpp"

namespace keepsake {
namespace {

// In a terminal a few lines for a person.
void greet_person(const Config& config, const Server& server, const AdminListener& admin,
                  const Status& status) {
  std::string text = fmt::format("Keepsake {}\n", KEEPSAKE_VERSION);
  const auto line = [&text](std::string_view what, const std::string& said) {
    text += fmt::format("  {:<10} {}\n", what, said);
  };
  for (const std::string& listener : describe_listeners(config, &server)) {
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
  write_to_log(text);
}

// What somebody needs who has never seen Keepsake: where to look, and what comes next.
void greet_demo(const Config& config, const Server& server) {
  SocketAddress address = config.listen[0].address;
  address.port = server.ports()[0];
  if (address.host == "0.0.0.0" || address.host == "::") {
    address.host = "127.0.0.1";  // any address is none that a browser could open
  }
  write_to_log(fmt::format("Keepsake {}: a demo. Its service is inside of this process, its key is "
                           "forgotten at the end.\n\n"
                           "{}{}/\n\n"
                           "Type a name there and reload the page. Ctrl-C ends the demo.\n"
                           "next: keepsake init\n",
                           KEEPSAKE_VERSION,
                           address.kind == SocketAddress::Kind::Unix ? "" : "http://",
                           address.to_string()));
}

// Otherwise one log line per fact, for whatever collects them.
void greet_log(const Config& config, const Server& server, const AdminListener& admin,
               const Status& status) {
  log::info("keepsake {} runs by {}", KEEPSAKE_VERSION, status.config_file);
  for (const std::string& listener : describe_listeners(config, &server)) {
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

// What ended a start, for people here and for the process that waits for this one, if there is one.
int give_up(HandOver& hand_over, int code, const std::string& text) {
  std::cerr << text << (text.ends_with('\n') ? "" : "\n");
  hand_over.failed(text);
  return code;
}

// What was logged is written before the process ends, whichever way it ends.
struct LogEnd {
  ~LogEnd() { end_log(); }
};

void warn_of_unused(InheritedSockets& inherited) {
  for (const std::string& address : inherited.left()) {
    log::warn("a listening socket at {} was passed and is not in the configuration: closed",
              address);
  }
  if (inherited.refused() != 0) {
    log::warn("{} of the descriptors that were passed are no listening stream sockets: closed",
              inherited.refused());
  }
  inherited = InheritedSockets{};
}

}  // namespace

int run_command(const RunOptions& options) {
  const StartedAs started = StartedAs::read();
  harden_process();
  const ServiceManager manager;
  HandOver hand_over = HandOver::from_environment();
  InheritedSockets inherited;
  inherited.add(ServiceManager::passed_sockets(), false);
  inherited.add(hand_over.foreign(), false);
  inherited.add(hand_over.sockets(), true);

  std::ostringstream explanation;
  const bool demo = options.demo_backend != 0;
  const auto path =
      demo ? std::string{kDemoConfigFile} : find_config_file(options.config_file, explanation);
  if (!path) {
    return give_up(hand_over, kWrongInput, explanation.str());
  }
  Loaded loaded =
      demo ? demo_config(options.demo_listen, options.demo_backend) : load_config_file(*path);
  std::vector<std::string> warnings = loaded.warnings;
  FileStates files_read = std::move(loaded.files);
  auto config = explain(std::move(loaded), explanation);
  if (!config) {
    return give_up(hand_over, kWrongInput, explanation.str());
  }
  std::string error;
  const auto files = open_log_files(config->log, error);
  if (!files) {
    return give_up(hand_over, kWrongInput, fmt::format("keepsake: {}: {}", *path, error));
  }
  apply_log(config->log, files->log);
  const LogEnd log_end;

  const SystemClock clock;
  asio::io_context io{1};
  Status status;
  status.config_file = *path;
  status.started = status.loaded = unix_seconds(clock.wall());
  Control control{io, clock, status, manager, started};

  if (const auto lowered = fit_descriptors(*config)) {
    warnings.push_back(*lowered);
  }
  Server::Options server_options;
  server_options.inherited = &inherited;
  Server server{std::move(*config), clock, server_options};
  auto snapshot = server.snapshot();
  const Config& running = snapshot->config;
  AdminListener admin{io, server, status};
  if (!admin.open(running, inherited, error)) {
    error = fmt::format("{}: admin.address: {}", *path, error);
  } else if (!server.start(error)) {
    error = fmt::format("{}: listen: {}", *path, error);
  }
  if (!error.empty()) {
    log::error("{}", error);
    admin.abandon();
    hand_over.failed(error);
    return kFailed;
  }
  server.log_access_to(files->access);
  admin.start();
  warn_of_unused(inherited);
  hand_over.ready();
  if (demo) {
    greet_demo(running, server);
  } else {
    const auto greet = ::isatty(STDERR_FILENO) == 1 ? greet_person : greet_log;
    greet(running, server, admin, status);
    control.warn(warnings);
    for (const std::string& risk : risks(running)) {
      log::warn("{}", risk);
    }
  }
  CertificateWatch watch{io, server};
  snapshot.reset();  // a reload is the end of it, and of what it knows of secrets
  control.run(server, admin, std::move(files_read));
  return kFine;
}

}  // namespace keepsake
