#include "base/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>
#include <thread>

namespace keepsake {

namespace {

struct Quota {
  std::int64_t time;
  std::int64_t period;
};

unsigned cores(const Quota& quota) {
  if (quota.time <= 0 || quota.period <= 0) {
    return 0;
  }
  const std::int64_t whole = (quota.time + quota.period - 1) / quota.period;
  return static_cast<unsigned>(std::clamp<std::int64_t>(whole, 1, 1 << 16));
}

// "50000 100000", or "max 100000", which does not parse.
std::optional<Quota> read_v2(const std::string& folder) {
  Quota quota{};
  if (std::ifstream file{folder + "/cpu.max"}; file >> quota.time >> quota.period) {
    return quota;
  }
  return std::nullopt;
}

// A time of -1: no quota.
std::optional<Quota> read_v1(const std::string& folder) {
  Quota quota{};
  std::ifstream time{folder + "/cpu.cfs_quota_us"};
  std::ifstream period{folder + "/cpu.cfs_period_us"};
  if (time >> quota.time && period >> quota.period) {
    return quota;
  }
  return std::nullopt;
}

// The least of a group and those above it. Inside of a container the path may name a group that
// only the host sees; then the mounted root is the group.
template <class Read>
unsigned least_on_path(const std::string& mount, std::string path, Read read) {
  unsigned least = 0;
  while (true) {
    while (path.ends_with('/')) {
      path.pop_back();
    }
    if (const std::optional<Quota> quota = read(mount + path)) {
      const unsigned found = cores(*quota);
      least = found == 0 ? least : least == 0 ? found : std::min(least, found);
    }
    if (path.empty()) {
      return least;
    }
    path.erase(path.find_last_of('/'));
  }
}

// Whether "cpu" is one of "cpu,cpuacct".
bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == "cpu") {
      return true;
    }
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

}  // namespace

unsigned cores_of_quota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  unsigned least = 0;
  const auto consider = [&least](unsigned found) {
    least = found == 0 ? least : least == 0 ? found : std::min(least, found);
  };
  // Lines as "4:cpu,cpuacct:/path" of version 1 and "0::/path" of version 2.
  std::ifstream groups{root + "/proc/self/cgroup"};
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line.substr(second + 1, 1) != "/") {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    // A group outside of what is mounted here has a path that begins with "/..".
    const std::string path = line.find("/..") == std::string::npos ? line.substr(second + 1) : "/";
    if (controllers.empty()) {
      consider(least_on_path(mounts, path, read_v2));
      consider(least_on_path(mounts + "/unified", path, read_v2));
    } else if (names_cpu(controllers)) {
      consider(least_on_path(mounts + "/cpu", path, read_v1));
      consider(least_on_path(mounts + "/cpu,cpuacct", path, read_v1));
    }
  }
  return least;
}

unsigned usable_cores(const std::string& root) {
  unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    cores = std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
  }
  const unsigned quota = cores_of_quota(root);
  return quota == 0 ? cores : std::min(cores, quota);
}

}  // namespace keepsake
