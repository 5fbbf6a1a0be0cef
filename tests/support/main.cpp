// The only translation unit that compiles Catch2's runner. With KEEPSAKE_TEST_RECORD in the
// environment it also writes "passed NAME" or "failed NAME" of every test case there: what
// check_requirements.py reads.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Listener = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
using Listener = Catch::TestEventListenerBase;
#endif

#include <cstdlib>
#include <fstream>

namespace {

// A value in Catch2 2, a pointer in 3.
std::string name_of(const Catch::TestCaseInfo& info) {
  return std::string{info.name};
}
[[maybe_unused]] std::string name_of(const Catch::TestCaseInfo* info) {
  return name_of(*info);
}

class Record final : public Listener {
 public:
  using Listener::Listener;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    Listener::testRunStarting(info);
    if (const char* path = std::getenv("KEEPSAKE_TEST_RECORD")) {
      file_.open(path, std::ios::trunc);
    }
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (file_.is_open()) {
      file_ << (stats.totals.testCases.failed == 0 ? "passed " : "failed ")
            << name_of(stats.testInfo) << std::endl;
    }
    Listener::testCaseEnded(stats);
  }

 private:
  std::ofstream file_;
};

CATCH_REGISTER_LISTENER(Record)

}  // namespace

#if __has_include(<catch2/catch_all.hpp>)
int main(int argc, char* argv[]) {
  return Catch::Session().run(argc, argv);
}
#endif
