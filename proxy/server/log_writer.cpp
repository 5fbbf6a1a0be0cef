#include "server/log_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace keepsake {

namespace {

// A pipe that poll() calls writable takes so much whole, and does not make us wait for its reader.
constexpr std::size_t kAtOnce = 4096;
constexpr int kLookMs = 50;     // how often a pipe that is full is asked again
constexpr int kLastLooks = 20;  // of them once we are to end

}  // namespace

LogWriter::LogWriter() {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);  // signals are the control thread's
  thread_ = std::thread{[this] { run(); }};
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool LogWriter::take(std::string& text, int fd, std::shared_ptr<const void> open) {
  {
    const std::lock_guard lock(mutex_);
    if (count_ == kMost) {
      return false;
    }
    Piece& piece = ring_[(first_ + count_) % kMost];
    piece.text.clear();
    piece.text.swap(text);
    piece.fd = fd;
    piece.open = std::move(open);
    ++count_;
  }
  changed_.notify_one();
  return true;
}

void LogWriter::run() {
  Piece piece;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return count_ != 0 || stopping_; });
      if (count_ == 0) {
        return;
      }
      std::swap(piece, ring_[first_]);
      first_ = (first_ + 1) % kMost;
      --count_;
    }
    write(piece);
    piece.text.clear();
    piece.open.reset();
  }
}

void LogWriter::write(const Piece& piece) {
  std::string_view rest = piece.text;
  while (!rest.empty()) {
    pollfd ready{piece.fd, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, kLookMs);
    if (polled == 0 || (polled < 0 && errno == EINTR)) {
      if (stopping_ && ++last_looks_ > kLastLooks) {
        break;
      }
      continue;
    }
    const ssize_t n = ::write(piece.fd, rest.data(), std::min(rest.size(), kAtOnce));
    if (n > 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
      break;  // a full disk, a reader that is gone
    }
  }
  lost_.fetch_add(static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')),
                  std::memory_order_relaxed);
}

}  // namespace keepsake
