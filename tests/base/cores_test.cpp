// workers: auto, in control groups made of files.

#include "base/cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

class FakeRoot {
 public:
  FakeRoot() {
    std::string name = (std::filesystem::temp_directory_path() / "keepsake-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~FakeRoot() { std::filesystem::remove_all(path); }
  FakeRoot& file(const std::string& where, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path{path + where}.parent_path());
    std::ofstream{path + where} << text;
    return *this;
  }
  std::string path;
};

unsigned cores_of_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  REQUIRE(::sched_getaffinity(0, sizeof set, &set) == 0);
  return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace

TEST_CASE("a quota of a control group counts, rounded up", "[base][cores]") {
  FakeRoot root;
  root.file("/proc/self/cgroup", "0::/system.slice/keepsake.service\n");
  const std::string slice = "/sys/fs/cgroup/system.slice";
  SECTION("of the group itself") {
    const auto [text, cores] = GENERATE(table<std::string, unsigned>({{"50000 100000\n", 1},
                                                                      {"100000 100000\n", 1},
                                                                      {"150000 100000\n", 2},
                                                                      {"1600000 100000\n", 16},
                                                                      {"1000 100000\n", 1},
                                                                      {"max 100000\n", 0},
                                                                      {"", 0},
                                                                      {"-5 0", 0}}));
    CAPTURE(text);
    root.file(slice + "/keepsake.service/cpu.max", text);
    CHECK(cores_of_quota(root.path) == cores);
  }
  SECTION("the least of those above it") {
    root.file(slice + "/keepsake.service/cpu.max", "800000 100000\n");
    root.file(slice + "/cpu.max", "300000 100000\n");
    root.file("/sys/fs/cgroup/cpu.max", "max 100000\n");
    CHECK(cores_of_quota(root.path) == 3);
  }
  SECTION("of the mounted root, where a container does not see its own path") {
    root.file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(cores_of_quota(root.path) == 2);
    root.file("/proc/self/cgroup", "0::/../../elsewhere\n");
    CHECK(cores_of_quota(root.path) == 2);
  }
}

TEST_CASE("version 1 of control groups says the same in two files", "[base][cores]") {
  FakeRoot root;
  root.file("/proc/self/cgroup",
            "12:cpuset:/\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n");
  const std::string group = "/sys/fs/cgroup/cpu,cpuacct/docker/abc";
  root.file(group + "/cpu.cfs_period_us", "100000\n");
  root.file(group + "/cpu.cfs_quota_us", "250000\n");
  CHECK(cores_of_quota(root.path) == 3);
  root.file(group + "/cpu.cfs_quota_us", "-1\n");
  CHECK(cores_of_quota(root.path) == 0);
  root.file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n");
  root.file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  CHECK(cores_of_quota(root.path) == 1);
}

TEST_CASE("workers follow the affinity where there is no quota, and the quota where it is less",
          "[base][cores]") {
  FakeRoot root;
  CHECK(usable_cores(root.path) == cores_of_affinity());
  root.file("/proc/self/cgroup", "0::/\n").file("/sys/fs/cgroup/cpu.max", "90000 100000\n");
  CHECK(usable_cores(root.path) == 1);
  root.file("/sys/fs/cgroup/cpu.max", "100000000 100000\n");
  CHECK(usable_cores(root.path) == cores_of_affinity());
}
