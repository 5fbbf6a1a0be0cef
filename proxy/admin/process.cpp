#include "admin/process.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/cores.hpp"

namespace keepsake {
namespace {

// Per worker: epoll, its timer and wake-up, and room for what a library opens.
constexpr std::uint64_t kPerWorker = 8;
// Standard streams, files read by a reload, the admin listener and its connections, the resolver.
constexpr std::uint64_t kSlack = 128;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Descriptors beside those of the connections being served.
std::uint64_t fixed_descriptors(const Config& config) {
  const std::uint64_t workers = config.workers != 0 ? config.workers : usable_cores();
  std::uint64_t idle = 0;
  for (const BackendConfig& backend : config.backends) {
    idle += std::uint64_t{backend.keepalive_idle} * backend.servers.size();
  }
  return workers * (kPerWorker + config.listen.size() + idle) + kSlack;
}

}  // namespace

void harden_process() {
  ::signal(SIGPIPE, SIG_IGN);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)  // its leak check attaches to the process as a debugger would
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

std::optional<std::string> fit_descriptors(Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::nullopt;
  }
  const std::uint64_t fixed = fixed_descriptors(config);
  const std::uint64_t wanted = 2 * std::uint64_t{config.limits.connections} + fixed;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) {
    return std::nullopt;
  }
  // Idle connections to backends give way: half of the descriptors at least are for clients' needs.
  const std::uint64_t left = limit.rlim_cur - std::min<std::uint64_t>(fixed, limit.rlim_cur / 2);
  const std::size_t asked = config.limits.connections;
  config.limits.connections = std::max<std::size_t>(1, left / 2);
  return fmt::format(
      "limits.connections: {} is lowered to {}: that many need {} file descriptors, and the hard "
      "limit is {} (ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of docker)",
      asked, config.limits.connections, wanted, limit.rlim_max);
}

ProcessFigures process_figures() {
  ProcessFigures figures;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (std::ifstream statm{"/proc/self/statm"}; statm >> size >> resident) {
    figures.resident_bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code error;
  for (std::filesystem::directory_iterator it{"/proc/self/fd", error}, end; !error && it != end;
       it.increment(error)) {
    ++figures.open_descriptors;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    figures.max_descriptors = limit.rlim_cur;
  }
  return figures;
}

}  // namespace keepsake
