#pragma once
// The change from a running keepsake to a newer one that takes over its listening sockets, so that
// no connection is lost: the old process starts the program anew (SIGUSR2), the new one says when
// it serves, then the old one drains. Both sides of that conversation are here.

#include <sys/types.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "io/asio.hpp"
#include "server/listening_sockets.hpp"

namespace keepsake {

// How this process was started: what to run again.
struct StartedAs {
  std::string program;  // the path that was executed, whatever lies there by now
  std::vector<std::string> arguments;

  static StartedAs read();
};

// The old process's side. Owned by Control.
class Upgrade {
 public:
  // Called once per begin() that succeeded: the new process serves, or it does not and why. The
  // new one begins to act as the service when on_ready returns.
  struct Outcome {
    std::function<void(pid_t)> on_ready;
    std::function<void(const std::string&)> on_failed;
  };

  Upgrade(asio::io_context& io, StartedAs started, Outcome outcome);
  ~Upgrade();

  // Starts the program with copies of `sockets`. False, with the reason, if it does not even start.
  bool begin(const std::vector<SharedSocket>& sockets, std::string& error);
  bool running() const { return child_ > 0; }
  // Ends the new process before it is ready, without an outcome.
  void cancel();

 private:
  void listen();
  void judge();
  std::string end_child();

  using Channel = asio::basic_stream_socket<asio::local::stream_protocol, Executor>;
  asio::io_context& io_;
  StartedAs started_;
  Outcome outcome_;
  Channel channel_;
  asio::steady_timer timer_;
  pid_t child_ = 0;
  std::string said_;
  char buffer_[512];
};

// The new process's side.
class HandOver {
 public:
  // What the environment says, if it is for this process; the variables are forgotten.
  static HandOver from_environment();
  HandOver() = default;
  HandOver(HandOver&& other) noexcept;
  HandOver& operator=(HandOver&&) = delete;
  ~HandOver();

  const std::vector<int>& sockets() const { return sockets_; }
  // Those that neither process opened.
  const std::vector<int>& foreign() const { return foreign_; }
  // Whether there is an old process that waits.
  explicit operator bool() const { return channel_ >= 0; }
  // This process serves. Returns when the old one has left the stage, or after some seconds.
  void ready();
  // This process cannot serve, and why.
  void failed(std::string_view reason);

 private:
  void say(std::string_view text) const;
  std::vector<int> sockets_;
  std::vector<int> foreign_;
  int channel_ = -1;
};

}  // namespace keepsake
