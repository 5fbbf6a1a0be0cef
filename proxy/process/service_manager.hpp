#pragma once
// systemd, or whoever plays its part: what it says to a service by the environment, and what it
// wants to hear over NOTIFY_SOCKET (sd_notify(3), sd_listen_fds(3)). Spoken without libsystemd.
// Where there is no manager every function does nothing.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace keepsake {

class ServiceManager {
 public:
  // Reads the environment.
  ServiceManager();

  // Descriptors that the manager opened for this process (LISTEN_FDS, for LISTEN_PID). Forgets the
  // variables, so that nobody takes the descriptors twice.
  static std::vector<int> passed_sockets();

  bool listens() const { return !socket_.empty(); }
  // Without a sign of life for this long the manager ends the process; zero: it does not care.
  std::chrono::microseconds watchdog() const { return watchdog_; }

  void ready(std::string_view status) const;
  void reloading(SteadyTime now) const;
  void stopping(std::string_view status) const;
  void status(std::string_view status) const;
  void alive() const;
  // The process that the service is from now on.
  void main_process(int pid) const;

 private:
  void tell(const std::string& lines) const;

  std::string socket_;  // a path, or '@' and an abstract name
  std::chrono::microseconds watchdog_{0};
};

}  // namespace keepsake
