#include "io/log_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

// A pipe whose reader does nothing until it is asked.
struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    stop_reading();
    ::close(ends[1]);
  }
  void stop_reading() {
    if (ends[0] >= 0) {
      ::close(ends[0]);
      ends[0] = -1;
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  std::string read(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t n = ::read(ends[0], text.data() + got, bytes - got);
      REQUIRE(n > 0);
      got += static_cast<std::size_t>(n);
    }
    return text;
  }
  int ends[2];
};

const std::string kLine(999, 'x');

}  // namespace

TEST_CASE("lines of a log are written in their order, single ones and whole pieces",
          "[base][log]") {
  Pipe pipe;
  LogWriter writer;
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    std::string piece = "piece " + std::to_string(i) + "\n";
    expected += line + piece;
    REQUIRE(writer.append(line, pipe.ends[1], nullptr));
    while (!writer.take(piece, pipe.ends[1], nullptr)) {
      std::this_thread::yield();  // the thread is slower than this loop
    }
    CHECK(piece.empty());
  }
  CHECK(pipe.read(expected.size()) == expected);
  CHECK(writer.lost() == 0);
}

TEST_CASE(
    "a log that is not read takes a bounded number of lines and delays neither lines nor the end",
    "[base][log]") {
  const auto pipe = std::make_shared<Pipe>();  // the writer's thread may outlive the writer
  std::size_t taken = 0;
  const auto began = std::chrono::steady_clock::now();
  {
    LogWriter writer;
    const std::string line = kLine + "\n";
    while (writer.append(line, pipe->ends[1], pipe)) {
      REQUIRE(++taken < 10'000);
    }
    std::string piece = line;
    CHECK_FALSE(writer.take(piece, pipe->ends[1], pipe));
    CHECK(piece == line);
  }
  pipe->stop_reading();
  CHECK(taken > 100);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{5});
}

TEST_CASE("lines for a reader that is gone are counted as lost", "[base][log]") {
  int end = -1;
  {
    const Pipe pipe;
    end = ::fcntl(pipe.ends[1], F_DUPFD_CLOEXEC, 0);
  }
  const std::shared_ptr<const void> open{
      &end, [](const void* fd) { ::close(*static_cast<const int*>(fd)); }};
  LogWriter writer;
  REQUIRE(writer.append("one\n", end, open));
  REQUIRE(writer.append("two\n", end, open));
  const auto guard = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (writer.lost() < 2 && std::chrono::steady_clock::now() < guard) {
    std::this_thread::yield();
  }
  CHECK(writer.lost() == 2);
}
