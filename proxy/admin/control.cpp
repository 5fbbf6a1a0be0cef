#include "admin/control.hpp"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "admin/exit_code.hpp"
#include "admin/process.hpp"
#include "admin/reload.hpp"
#include "base/log.hpp"
#include "config/load.hpp"
#include "config/units.hpp"

namespace keepsake {
namespace {

// How often a draining server is asked whether it is done.
constexpr Millis kLook{20};
// Cut connections end at once; what takes longer is stuck.
constexpr std::chrono::seconds kCutPatience{5};

}  // namespace

void apply_log(const LogConfig& config) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::trace, spdlog::level::debug,
                                                         spdlog::level::info, spdlog::level::warn,
                                                         spdlog::level::err};
  set_up_log(levels[static_cast<std::size_t>(config.level)], config.format == LogFormat::Json);
}

Control::Control(asio::io_context& io, const Clock& clock, Status& status)
    : io_(io), clock_(clock), status_(status), signals_(io, SIGHUP, SIGTERM, SIGINT), timer_(io) {}

void Control::run(Server& server) {
  server_ = &server;
  wait_for_signal();
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
  if (signal == SIGHUP) {
    if (!status_.draining) {
      reload();
    }
  } else if (!status_.draining) {
    drain(signal);
  } else if (!cutting_) {
    log::warn("a second signal: cutting {} connections", server_->connections());
    cut();
  }
}

void Control::reload() {
  Loaded loaded = load_config_file(status_.config_file);
  if (!loaded.config) {
    ++status_.reloads_refused;
    status_.refused_at = now();
    status_.refusal.clear();
    for (const Problem& problem : loaded.problems) {
      status_.refusal.push_back(to_string(problem));
      log::error("reload: {}", status_.refusal.back());
    }
    log::error("reload refused: {} has {} problem{}; the configuration of {} stays in use",
               status_.config_file, loaded.problems.size(), loaded.problems.size() == 1 ? "" : "s",
               format_date(status_.loaded));
    return;
  }
  Config& config = *loaded.config;
  const auto running = server_->snapshot();
  status_.needs_restart = keep_what_needs_restart(running->config, config);
  apply_log(config.log);
  for (const std::string& warning : loaded.warnings) {
    log::warn("{}", warning);
  }
  const auto lowered = fit_descriptors(config);
  if (lowered && config.limits.connections != running->config.limits.connections) {
    log::warn("{}", *lowered);
  }
  server_->reload(std::move(config));
  ++status_.reloads_done;
  status_.loaded = now();
  status_.refusal.clear();
  for (const std::string& sentence : status_.needs_restart) {
    log::warn("{}", sentence);
  }
  log::info("reloaded {}: new requests go by it", status_.config_file);
}

void Control::drain(int signal) {
  const Millis patience = server_->snapshot()->config.timeouts.drain;
  status_.draining = true;
  log::info("{}: draining for at most {}, {} connections are open", ::sigdescr_np(signal),
            format_duration(patience), server_->connections());
  deadline_ = clock_.steady() + patience;
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
    io_.stop();
    return;
  }
  if (clock_.steady() >= deadline_) {
    if (cutting_) {
      log::critical("a worker does not end; giving up");
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
