#pragma once
// The control loop on the main thread: signals, reload, drain. Owned by `keepsake run`; everything
// that it decides reaches the workers through the Server.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "admin/status.hpp"
#include "base/asio.hpp"
#include "base/clock.hpp"
#include "server/server.hpp"

namespace keepsake {

class Control {
 public:
  // From here on signals wait to be handled instead of ending the process. All of it outlives this.
  Control(asio::io_context& io, const Clock& clock, Status& status);

  // Serves signals until the server has drained or was cut.
  void run(Server& server);

 private:
  void wait_for_signal();
  void on_signal(int signal);
  void reload();
  void drain(int signal);
  void cut();
  void look_for_end();
  std::int64_t now() const { return unix_seconds(clock_.wall()); }

  asio::io_context& io_;
  const Clock& clock_;
  Status& status_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  Server* server_ = nullptr;
  SteadyTime deadline_{};  // of the drain, then of the cut
  bool cutting_ = false;
};

// log.level and log.format take effect.
void apply_log(const LogConfig& config);

}  // namespace keepsake
