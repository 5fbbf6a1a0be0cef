#pragma once
// Writes what workers have put into their access logs, on a thread of its own: a disk that hangs or
// a pipe that nobody empties makes this thread wait and no worker. What waits for it is bounded.

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace keepsake {

class LogWriter {
 public:
  LogWriter();
  // Gives what still waits a moment to be written.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Whole lines for `fd`, which `open` keeps open. Takes the text and leaves an empty one with its
  // capacity; false, and the text stays, if as much as is allowed waits already. From any thread;
  // never waits for a write.
  bool take(std::string& text, int fd, std::shared_ptr<const void> open);

  // Lines that were taken and could not be written.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Piece {
    std::string text;
    int fd = -1;
    std::shared_ptr<const void> open;
  };
  static constexpr std::size_t kMost = 32;

  void run();
  void write(const Piece& piece);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Piece, kMost> ring_;  // used from first_ on; texts keep their capacity
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::atomic<bool> stopping_{false};
  int last_looks_ = 0;  // at a descriptor that takes nothing, since stopping_
  std::atomic<std::uint64_t> lost_{0};
  std::thread thread_;
};

}  // namespace keepsake
