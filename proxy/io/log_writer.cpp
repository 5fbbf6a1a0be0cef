#include "io/log_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "io/signals_blocked.hpp"

namespace keepsake {

namespace {

using namespace std::chrono_literals;

// A pipe that poll() calls writable takes so much whole, and does not make us wait for its reader.
constexpr std::size_t kAtOnce = 4096;
constexpr int kLookMs = 50;        // how often a pipe that is full is asked again
constexpr int kLastLooks = 4;      // of them once the writer is to end
constexpr auto kLastWait = 300ms;  // for the thread, which another user of the pipe may hold up
constexpr std::size_t kMostPieces = 32;
constexpr std::size_t kMostAppended = 16 * 1024;  // of single lines in one piece

struct Piece {
  std::string text;
  int fd = -1;
  std::shared_ptr<const void> open;
};

}  // namespace

struct LogWriter::Shared {
  void run();
  void write(const Piece& piece);
  Piece& add_piece(int fd, std::shared_ptr<const void> open);

  std::mutex mutex;
  std::condition_variable changed;
  std::array<Piece, kMostPieces> ring;  // used from first on; texts keep their capacity
  std::size_t first = 0;
  std::size_t count = 0;
  bool ended = false;
  std::atomic<bool> stopping{false};
  int last_looks = 0;  // at a descriptor that takes nothing, since stopping
  std::atomic<std::uint64_t> lost{0};
};

LogWriter::LogWriter() : shared_(std::make_shared<Shared>()) {
  const SignalsBlocked blocked;
  thread_ = std::thread{[shared = shared_] { shared->run(); }};
}

LogWriter::~LogWriter() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
  const bool ended = shared_->changed.wait_for(lock, kLastWait, [this] { return shared_->ended; });
  lock.unlock();
  ended ? thread_.join() : thread_.detach();
}

std::uint64_t LogWriter::lost() const {
  return shared_->lost.load(std::memory_order_relaxed);
}

Piece& LogWriter::Shared::add_piece(int fd, std::shared_ptr<const void> open) {
  Piece& piece = ring[(first + count) % kMostPieces];
  ++count;
  piece.text.clear();
  piece.fd = fd;
  piece.open = std::move(open);
  return piece;
}

bool LogWriter::take(std::string& text, int fd, std::shared_ptr<const void> open) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->count == kMostPieces) {
      return false;
    }
    shared_->add_piece(fd, std::move(open)).text.swap(text);
  }
  shared_->changed.notify_all();
  return true;
}

bool LogWriter::append(std::string_view line, int fd, std::shared_ptr<const void> open) {
  {
    const std::lock_guard lock(shared_->mutex);
    Piece* piece = nullptr;
    if (shared_->count != 0) {
      Piece& last = shared_->ring[(shared_->first + shared_->count - 1) % kMostPieces];
      const bool fits = last.fd == fd && last.text.size() + line.size() <= kMostAppended;
      piece = fits ? &last : nullptr;
    }
    if (piece == nullptr && shared_->count == kMostPieces) {
      return false;
    }
    if (piece == nullptr) {
      piece = &shared_->add_piece(fd, std::move(open));
    }
    piece->text.append(line);
  }
  shared_->changed.notify_all();
  return true;
}

void LogWriter::Shared::run() {
  Piece piece;
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return count != 0 || stopping; });
    if (count == 0) {
      break;
    }
    std::swap(piece, ring[first]);
    first = (first + 1) % kMostPieces;
    --count;
    lock.unlock();
    write(piece);
    piece.text.clear();
    piece.open.reset();
    lock.lock();
  }
  ended = true;
  changed.notify_all();
}

void LogWriter::Shared::write(const Piece& piece) {
  std::string_view rest = piece.text;
  while (!rest.empty()) {
    pollfd ready{piece.fd, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, kLookMs);
    if (polled == 0 || (polled < 0 && errno == EINTR)) {
      if (stopping && ++last_looks > kLastLooks) {
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
  lost.fetch_add(static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')),
                 std::memory_order_relaxed);
}

}  // namespace keepsake
