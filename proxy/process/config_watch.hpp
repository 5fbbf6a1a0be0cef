#pragma once
// Looks every two seconds whether a file of the configuration has changed, for `reload: watch`. Asks
// the disk and not inotify: that costs a few system calls, and sees links that are turned elsewhere,
// editors that replace files, and file systems that tell nobody of changes. On the control thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "config/config_files.hpp"
#include "io/asio.hpp"

namespace keepsake {

class ConfigWatch {
 public:
  // `changed` is called with the paths once they have been at rest for a moment, again at the next
  // look unless it calls follow. `io` outlives this.
  using Changed = std::function<void(const std::vector<std::string>&)>;
  ConfigWatch(asio::io_context& io, Changed changed);

  // From now on these files, whose known states these are; none: nothing is watched.
  void follow(FileStates files);
  std::size_t files() const { return known_.size(); }

 private:
  void look_after(std::chrono::milliseconds pause);
  void look();

  Changed changed_;
  asio::steady_timer timer_;
  FileStates known_;
  FileStates seen_;  // at the last look, if that differed
  int restless_ = 0;
};

}  // namespace keepsake
