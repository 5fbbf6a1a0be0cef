#pragma once
// The control loop on the main thread: signals, reload, drain, upgrade, log files, watchdog. Owned
// by `keepsake run`; everything that it decides reaches the workers through the Server.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <vector>

#include "admin/admin_listener.hpp"
#include "admin/status.hpp"
#include "base/clock.hpp"
#include "io/asio.hpp"
#include "process/config_watch.hpp"
#include "process/said_once.hpp"
#include "process/service_manager.hpp"
#include "process/upgrade.hpp"
#include "server/server.hpp"

namespace keepsake {

class Control {
 public:
  // From here on signals wait to be handled instead of ending the process. All of it outlives this.
  Control(asio::io_context& io, const Clock& clock, Status& status, const ServiceManager& manager,
          StartedAs started);

  // Serves signals until the server has drained or was cut. `files` are those that its
  // configuration came from.
  void run(Server& server, AdminListener& admin, FileStates files);

  // Logs what a loaded configuration is warned of, each once in the life of the process.
  void warn(const std::vector<std::string>& warnings);

 private:
  void wait_for_signal();
  void on_signal(int signal);
  void on_change(const std::vector<std::string>& files);
  // Reads the configuration again and tells the service manager how that went.
  void take_anew();
  void reload();
  void follow(FileStates files);
  void refuse_reload(std::vector<std::string> reasons);
  void log_listeners(const Config& before);
  void reopen_logs();
  // A newer program takes over the listening sockets; then this one drains.
  void upgrade();
  void give_way(int successor);
  void feed_watchdog();
  // Not ready from now on; the drain begins after timeouts.drain_delay.
  void say_goodbye(int signal);
  void drain();
  void cut();
  void look_for_end();
  std::int64_t now() const { return unix_seconds(clock_.wall()); }

  asio::io_context& io_;
  const Clock& clock_;
  Status& status_;
  const ServiceManager& manager_;
  Upgrade upgrade_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  asio::steady_timer watchdog_timer_;
  ConfigWatch watch_;
  Server* server_ = nullptr;
  AdminListener* admin_ = nullptr;
  SaidOnce said_;
  SteadyTime deadline_{};  // of the drain, then of the cut
  bool cutting_ = false;
};

}  // namespace keepsake
