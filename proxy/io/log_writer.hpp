#pragma once
// Writes lines to standard error, standard output or a file, on a thread of its own: a disk that
// hangs, a terminal that is stopped or a pipe that is not read makes this thread wait, and no
// other. What waits for it is bounded. The log has one, the access log has one.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace keepsake {

class LogWriter {
 public:
  LogWriter();
  // Gives the lines that wait a moment to be written. A write that the kernel does not end by then
  // is left behind: the end of the process does not wait for a reader.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Both take whole lines for `fd`, which `open` keeps open, from any thread, and never wait for a
  // write. False: as much as is allowed waits already.
  // take() swaps the text for an empty one with capacity; false leaves it.
  bool take(std::string& text, int fd, std::shared_ptr<const void> open);
  // append() copies the line behind those that wait for the same descriptor.
  bool append(std::string_view line, int fd, std::shared_ptr<const void> open);

  // Lines that were taken and could not be written.
  std::uint64_t lost() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // outlives this if the thread has to be left behind
  std::thread thread_;
};

}  // namespace keepsake
