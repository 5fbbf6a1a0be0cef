#include "process/service_manager.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace keepsake {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kMostPassed = 1024;

std::optional<std::uint64_t> number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, code] = std::from_chars(text, end, value);
  return code == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

// A variable that names a process is for that one only.
bool for_this_process(const char* name) {
  const auto pid = number(name);
  return !pid || *pid == static_cast<std::uint64_t>(::getpid());
}

}  // namespace

ServiceManager::ServiceManager() {
  if (const char* socket = std::getenv("NOTIFY_SOCKET");
      socket != nullptr && (socket[0] == '/' || socket[0] == '@') && socket[1] != '\0') {
    socket_ = socket;
  }
  if (const auto watchdog = number("WATCHDOG_USEC"); watchdog && for_this_process("WATCHDOG_PID")) {
    constexpr std::uint64_t a_day = 24ULL * 3600 * 1'000'000;
    watchdog_ = std::chrono::microseconds{std::min(*watchdog, a_day)};
  }
}

std::vector<int> ServiceManager::passed_sockets() {
  std::vector<int> sockets;
  const auto count = number("LISTEN_FDS");
  if (count && number("LISTEN_PID") && for_this_process("LISTEN_PID")) {
    for (std::uint64_t i = 0; i < std::min(*count, kMostPassed); ++i) {
      sockets.push_back(kFirstPassed + static_cast<int>(i));
    }
  }
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
    ::unsetenv(name);
  }
  return sockets;
}

void ServiceManager::ready(std::string_view status) const {
  tell(fmt::format("READY=1\nSTATUS={}", status));
}

void ServiceManager::reloading(SteadyTime now) const {
  const auto since_boot =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the configuration",
                   since_boot.count()));
}

void ServiceManager::stopping(std::string_view status) const {
  tell(fmt::format("STOPPING=1\nSTATUS={}", status));
}

void ServiceManager::status(std::string_view status) const {
  tell(fmt::format("STATUS={}", status));
}

void ServiceManager::alive() const {
  tell("WATCHDOG=1");
}

void ServiceManager::main_process(int pid) const {
  tell(fmt::format("MAINPID={}", pid));
}

void ServiceManager::tell(const std::string& lines) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) {
    return;
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') {
    address.sun_path[0] = '\0';
  }
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return;
  }
  // A manager that does not read holds us up for a moment, not for ever.
  const timeval patience{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

}  // namespace keepsake
