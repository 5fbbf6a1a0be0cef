#include "process/control.hpp"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "admin/process.hpp"
#include "config/load.hpp"
#include "config/units.hpp"
#include "io/log.hpp"
#include "process/demo_config.hpp"
#include "process/describe.hpp"
#include "process/exit_code.hpp"
#include "process/log_files.hpp"
#include "process/reload.hpp"

namespace keepsake {

namespace {

// How often a draining server is asked whether it is done.
constexpr Millis kLook{20};
// Cut connections end at once; what takes longer is stuck.
constexpr std::chrono::seconds kCutPatience{5};

}  // namespace

Control::Control(asio::io_context& io, const Clock& clock, Status& status,
                 const ServiceManager& manager, StartedAs started)
    : io_(io),
      clock_(clock),
      status_(status),
      manager_(manager),
      upgrade_(io, std::move(started),
               {[this](int successor) { give_way(successor); },
                [](const std::string& reason) {
                  log::error("upgrade: the new process does not serve, this one goes on: {}",
                             reason);
                }}),
      signals_(io, SIGHUP, SIGTERM, SIGINT),
      timer_(io),
      watchdog_timer_(io),
      watch_(io, [this](const std::vector<std::string>& files) { on_change(files); }) {
  signals_.add(SIGUSR1);
  signals_.add(SIGUSR2);
}

void Control::run(Server& server, AdminListener& admin, FileStates files) {
  server_ = &server;
  admin_ = &admin;
  follow(std::move(files));
  wait_for_signal();
  manager_.ready(fmt::format("serving by {}", status_.config_file));
  feed_watchdog();
  io_.run();
}

void Control::wait_for_signal() {
  signals_.async_wait([this](const error_code& error, int signal) {
    if (!error) {
      on_signal(signal);
      wait_for_signal();
    }
  });
}

void Control::on_signal(int signal) {
  if (signal == SIGUSR1) {
    reopen_logs();
  } else if (signal == SIGHUP || signal == SIGUSR2) {
    if (status_.draining) {
      return;
    }
    if (upgrade_.running()) {
      log::warn("a new process is being started: send the signal again later");
    } else if (signal == SIGHUP) {
      take_anew();
    } else {
      upgrade();
    }
  } else if (!status_.draining) {
    say_goodbye(signal);
  } else if (!cutting_) {
    log::warn("a second signal: cutting {} connections", server_->connections());
    const bool looking = deadline_ != SteadyTime{};
    cut();
    if (!looking) {
      look_for_end();
    }
  }
}

// A newcomer that is being started reads the files itself, and a process that ends needs them no
// more; one that stays sees the change at its next look.
void Control::on_change(const std::vector<std::string>& files) {
  if (status_.draining || upgrade_.running()) {
    return;
  }
  for (const std::string& file : files) {
    log::info("{} has changed", file);
  }
  take_anew();
}

void Control::take_anew() {
  manager_.reloading(clock_.steady());
  reload();
  manager_.ready(status_.refusal.empty()
                     ? fmt::format("serving by {}", status_.config_file)
                     : "the last reload was refused: " + status_.refusal[0]);
}

void Control::follow(FileStates files) {
  const auto running = server_->snapshot();
  const bool watches = running->config.reload == ReloadMode::Watch;
  watch_.follow(watches ? std::move(files) : FileStates{});
  status_.watched_files = watch_.files();
}

void Control::warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    if (said_.fresh(warning)) {
      log::warn("{}", warning);
    }
  }
}

void Control::refuse_reload(std::vector<std::string> reasons) {
  ++status_.reloads_refused;
  status_.refused_at = now();
  for (const std::string& reason : reasons) {
    log::error("reload: {}", reason);
  }
  log::error("reload refused: {} has {} problem{}; the configuration of {} stays in use",
             status_.config_file, reasons.size(), reasons.size() == 1 ? "" : "s",
             format_date(status_.loaded));
  status_.refusal = std::move(reasons);
}

// Whatever can fail comes first and can be undone; then everything is applied.
void Control::reload() {
  if (status_.config_file == kDemoConfigFile) {
    log::warn("reload: a demo has no file to read again");
    return;
  }
  Loaded loaded = load_config_file(status_.config_file);
  if (!loaded.config) {
    follow(std::move(loaded.files));
    std::vector<std::string> reasons;
    for (const Problem& problem : loaded.problems) {
      reasons.push_back(to_string(problem));
    }
    refuse_reload(std::move(reasons));
    return;
  }
  Config& config = *loaded.config;
  const auto running = server_->snapshot();
  std::vector<std::string> needs_restart = keep_what_needs_restart(running->config, config);
  if (const auto lowered = fit_descriptors(config)) {
    loaded.warnings.push_back(*lowered);
  }
  const LogConfig log_config = config.log;
  InheritedSockets none;
  std::string error;
  const auto fails = [&](const char* key) {
    follow(std::move(loaded.files));
    refuse_reload({fmt::format("{}: {}{}", status_.config_file, key, error)});
  };
  const auto files = open_log_files(log_config, error);
  if (!files) {
    return fails("");
  }
  const bool opened = admin_->open(config, none, error);
  if (!opened || !server_->reload(std::move(config), error)) {
    admin_->abandon();
    files->discard();
    return fails(opened ? "listen: " : "admin.address: ");
  }
  admin_->start();
  apply_log(log_config, files->log);
  server_->log_access_to(files->access);
  follow(std::move(loaded.files));
  ++status_.reloads_done;
  status_.loaded = now();
  status_.refusal.clear();
  status_.needs_restart = std::move(needs_restart);
  warn(loaded.warnings);
  for (const std::string& sentence : status_.needs_restart) {
    log::warn("{}", sentence);
  }
  log_listeners(running->config);
  log::info("reloaded {}: new requests go by it", status_.config_file);
}

// The sentences of a start for what is different now.
void Control::log_listeners(const Config& before) {
  const auto now_running = server_->snapshot();
  const Config& config = now_running->config;
  if (config.listen != before.listen) {
    for (const std::string& listener : describe_listeners(config, server_)) {
      log::info("listening on {}", listener);
    }
  }
  if (config.admin.address != before.admin.address && admin_->address()) {
    log::info("listening on {} for administration", admin_->address()->to_string());
  }
}

// After a rename the files are there anew. One that cannot be opened keeps its old descriptor.
void Control::reopen_logs() {
  const auto running = server_->snapshot();
  const LogConfig& config = running->config.log;
  std::string error;
  const auto files = open_log_files(config, error);
  if (!files) {
    log::error("the log files stay as they are: {}", error);
    return;
  }
  apply_log(config, files->log);
  server_->log_access_to(files->access);
  log::info("log files opened anew");
}

void Control::say_goodbye(int signal) {
  const auto running = server_->snapshot();
  const TimeoutsConfig& timeouts = running->config.timeouts;
  status_.draining = true;
  server_->announce_end();
  upgrade_.cancel();
  manager_.stopping("draining");
  if (timeouts.drain_delay == Millis{0}) {
    log::info("{}: draining for at most {}, {} connections are open", ::sigdescr_np(signal),
              format_duration(timeouts.drain), server_->connections());
    drain();
    return;
  }
  log::info("{}: not ready any more; listening for {} still, then draining for at most {}",
            ::sigdescr_np(signal), format_duration(timeouts.drain_delay),
            format_duration(timeouts.drain));
  timer_.expires_after(timeouts.drain_delay);
  timer_.async_wait([this](const error_code& error) {
    if (!error) {
      log::info("draining, {} connections are open", server_->connections());
      drain();
    }
  });
}

void Control::upgrade() {
  if (::getpid() == 1) {
    log::error("upgrade: as process 1 keepsake cannot give way, its container would end with it");
    return;
  }
  std::vector<SharedSocket> sockets = server_->listening_sockets();
  for (const SharedSocket& socket : admin_->sockets()) {
    sockets.push_back(socket);
  }
  std::string error;
  if (!upgrade_.begin(sockets, error)) {
    log::error("upgrade: the new process does not start, this one goes on: {}", error);
    return;
  }
  log::info("upgrade: a new process starts with {} listening sockets", sockets.size());
}

void Control::give_way(int successor) {
  const auto running = server_->snapshot();
  const Millis patience = running->config.timeouts.drain;
  status_.draining = true;
  log::info("upgrade: process {} serves; draining for at most {}, {} connections are open",
            successor, format_duration(patience), server_->connections());
  if (running->config.session.store == SessionStoreKind::Memory) {
    log::warn("upgrade: the sessions in this process's memory end with it");
  }
  manager_.main_process(successor);
  watchdog_timer_.cancel();
  admin_->leave();
  deadline_ = clock_.steady() + patience;
  // Nobody waits for this process to end, so clients that idle get their time to come back.
  server_->hand_over(patience / 2);
  look_for_end();
}

// Four signs of life per period, each only if every worker has answered since the one before: a
// single one that is stuck makes the manager end the process.
void Control::feed_watchdog() {
  if (manager_.watchdog() == std::chrono::microseconds{0}) {
    return;
  }
  if (server_->answered()) {
    manager_.alive();
    server_->ping();
  }
  watchdog_timer_.expires_after(manager_.watchdog() / 4);
  watchdog_timer_.async_wait([this](const error_code& error) {
    if (!error) {
      feed_watchdog();
    }
  });
}

void Control::drain() {
  deadline_ = clock_.steady() + server_->snapshot()->config.timeouts.drain;
  server_->drain();
  look_for_end();
}

void Control::cut() {
  cutting_ = true;
  deadline_ = clock_.steady() + kCutPatience;
  server_->cut();
}

void Control::look_for_end() {
  if (server_->wait(Millis{0})) {
    log::info("stopped");
    admin_->close();
    io_.stop();
    return;
  }
  if (clock_.steady() >= deadline_) {
    if (cutting_) {
      log::critical("a worker does not end; giving up");
      end_log();
      ::_exit(kFailed);
    }
    log::warn("the drain is over: cutting {} connections", server_->connections());
    cut();
  }
  timer_.expires_after(kLook);
  timer_.async_wait([this](const error_code& error) {
    if (!error) {
      look_for_end();
    }
  });
}

}  // namespace keepsake
