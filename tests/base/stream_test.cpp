#include "io/stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>

#include "io/task.hpp"
#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace keepsake;
using std::chrono::seconds;

namespace {

// One end is the stream under test, the other a descriptor of the test's own. A Task runs on the
// io_context, which the test turns by hand.
struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    peer = fds[1];
    list.sweep(now, Millis{1000});
    test::in_each_way(list.round(), io);
    stream = std::make_unique<Stream>(io, list);
    REQUIRE(stream->adopt(fds[0], AF_UNIX));
  }
  ~Pair() { close_peer(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void close_peer() {
    if (peer >= 0) {
      ::close(peer);
      peer = -1;
    }
  }
  void turn() {
    io.restart();
    io.poll();
  }
  void advance(seconds by) {
    now += by;
    list.sweep(now, Millis{1000});
    turn();
  }

  asio::io_context io{1};
  StreamList list;
  SteadyTime now{std::chrono::hours{1}};
  std::unique_ptr<Stream> stream;
  int peer = -1;
};

struct Outcome {
  int done = 0;
  IoResult result{};
  std::string bytes;
};

Task<void> read(Pair& pair, Millis timeout, Outcome& outcome) {
  char data[64];
  outcome.result = co_await pair.stream->read_some(data, sizeof data, pair.stream->in(timeout));
  outcome.bytes.assign(data, outcome.result.bytes);
  ++outcome.done;
}

// Memory that is lent while there is something to read.
struct Lender final : ReadSpace {
  asio::mutable_buffer take() override {
    ++lent;
    return {bytes, sizeof bytes};
  }
  void give_back() override { --lent; }
  char bytes[64] = {};
  int lent = 0;
};

Task<void> read_into(Pair& pair, Millis timeout, Lender& lender, Outcome& outcome) {
  outcome.result = co_await pair.stream->read_into(lender, pair.stream->in(timeout));
  outcome.bytes.assign(lender.bytes, outcome.result.bytes);
  ++outcome.done;
}

Task<void> write(Pair& pair, Millis stall, std::string_view one, std::string_view two,
                 Outcome& outcome) {
  outcome.result.status = co_await pair.stream->write(stall, one, two);
  ++outcome.done;
}

std::string take(int fd, std::size_t most = 1 << 20) {
  std::string bytes(most, '\0');
  const ssize_t n = ::recv(fd, bytes.data(), most, MSG_DONTWAIT);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

const std::string kMuch(4 << 20, 'x');

}  // namespace

TEST_CASE("a read returns what has come", "[base][stream]") {
  Pair pair;
  Outcome outcome;
  start(read(pair, seconds{10}, outcome));
  pair.turn();
  CHECK(outcome.done == 0);
  CHECK(::send(pair.peer, "hello", 5, 0) == 5);
  pair.turn();
  CHECK(outcome.done == 1);
  CHECK(outcome.result.status == IoStatus::Ok);
  CHECK(outcome.bytes == "hello");
}

TEST_CASE("the end of the peer's bytes is an end", "[base][stream]") {
  Pair pair;
  Outcome outcome;
  start(read(pair, seconds{10}, outcome));
  pair.close_peer();
  pair.turn();
  CHECK(outcome.result.status == IoStatus::End);
}

TEST_CASE("a read times out at its deadline and not before", "[base][stream]") {
  Pair pair;
  Outcome outcome;
  Lender lender;
  const bool lent = GENERATE(false, true);
  start(lent ? read_into(pair, seconds{10}, lender, outcome) : read(pair, seconds{10}, outcome));
  pair.advance(seconds{10});
  CHECK(outcome.done == 0);  // rounded up by a sweep's time
  pair.advance(seconds{1});
  REQUIRE(outcome.done == 1);
  CHECK(lender.lent == 0);
  CHECK(outcome.result.status == IoStatus::TimedOut);
  // the stream itself is as good as before
  CHECK(::send(pair.peer, "late", 4, 0) == 4);
  start(read(pair, seconds{10}, outcome));
  pair.turn();
  CHECK(outcome.bytes == "late");
}

TEST_CASE("a read that waits holds no memory until there are bytes", "[base][stream]") {
  Pair pair;
  Lender lender;
  Outcome outcome;
  start(read_into(pair, seconds{10}, lender, outcome));
  pair.turn();
  CHECK(lender.lent == 0);
  CHECK(::send(pair.peer, "here", 4, 0) == 4);
  pair.turn();
  CHECK(outcome.bytes == "here");
  CHECK(lender.lent == 1);
}

TEST_CASE("a write that the kernel takes at once does not wait", "[base][stream]") {
  Pair pair;
  Outcome outcome;
  start(write(pair, seconds{10}, "head ", "and body", outcome));
  CHECK(outcome.done == 1);
  CHECK(outcome.result.status == IoStatus::Ok);
  CHECK(take(pair.peer) == "head and body");
}

TEST_CASE("a long write goes on as the peer reads and keeps its bytes in order", "[base][stream]") {
  Pair pair;
  Outcome outcome;
  const std::string one = kMuch + "1", two = kMuch + "2";
  start(write(pair, seconds{10}, one, two, outcome));
  CHECK(outcome.done == 0);
  std::string got;
  while (outcome.done == 0) {
    const std::string piece = take(pair.peer);
    REQUIRE_FALSE(piece.empty());
    got += piece;
    pair.turn();
  }
  for (std::string piece; !(piece = take(pair.peer)).empty();) {
    got += piece;
  }
  CHECK((got == one + two));
  CHECK(outcome.result.status == IoStatus::Ok);
}

TEST_CASE("a write times out when the peer takes nothing, and every byte taken is progress",
          "[base][stream]") {
  Pair pair;
  Outcome outcome;
  start(write(pair, seconds{10}, kMuch, kMuch, outcome));
  for (int i = 0; i < 5; ++i) {
    pair.advance(seconds{9});
    REQUIRE(outcome.done == 0);
    REQUIRE_FALSE(take(pair.peer).empty());
    pair.turn();
  }
  pair.advance(seconds{12});
  REQUIRE(outcome.done == 1);
  CHECK(outcome.result.status == IoStatus::TimedOut);
}

TEST_CASE("a timeout of one direction leaves the other waiting", "[base][stream]") {
  Pair pair;
  Outcome reading, writing;
  SECTION("the read's") {
    start(read(pair, seconds{5}, reading));
    start(write(pair, seconds{100}, kMuch, kMuch, writing));
    pair.advance(seconds{6});
    CHECK(reading.result.status == IoStatus::TimedOut);
    CHECK(writing.done == 0);
    pair.advance(seconds{95});
    CHECK(writing.result.status == IoStatus::TimedOut);
  }
  SECTION("the write's") {
    start(read(pair, seconds{100}, reading));
    start(write(pair, seconds{5}, kMuch, kMuch, writing));
    pair.advance(seconds{6});
    CHECK(writing.result.status == IoStatus::TimedOut);
    CHECK(reading.done == 0);
    CHECK(::send(pair.peer, "late", 4, 0) == 4);
    pair.turn();
    CHECK(reading.bytes == "late");
  }
}

TEST_CASE("an interrupt ends what waits and all that comes", "[base][stream]") {
  Pair pair;
  Outcome reading, writing, later;
  start(read(pair, seconds{10}, reading));
  start(write(pair, seconds{10}, kMuch, kMuch, writing));
  pair.stream->interrupt();
  pair.turn();
  CHECK(reading.result.status == IoStatus::Interrupted);
  CHECK(writing.result.status == IoStatus::Interrupted);
  start(read(pair, seconds{10}, later));
  CHECK(later.done == 1);
  CHECK(later.result.status == IoStatus::Interrupted);
}

TEST_CASE("a nudge ends one read, not the write and not the next read", "[base][stream]") {
  Pair pair;
  Outcome reading, writing, later;
  start(read(pair, seconds{10}, reading));
  start(write(pair, seconds{10}, kMuch, kMuch, writing));
  pair.stream->nudge_reader();
  pair.turn();
  CHECK(reading.result.status == IoStatus::Interrupted);
  CHECK(writing.done == 0);
  start(read(pair, seconds{10}, later));
  pair.turn();
  CHECK(later.done == 0);
  CHECK(::send(pair.peer, "x", 1, 0) == 1);
  pair.turn();
  CHECK(later.bytes == "x");
  pair.stream->interrupt();
  pair.turn();
}

TEST_CASE("a write to a closed peer fails", "[base][stream]") {
  Pair pair;
  pair.close_peer();
  Outcome outcome;
  start(write(pair, seconds{10}, "x", {}, outcome));
  pair.turn();
  CHECK(outcome.result.status == IoStatus::Failed);
}

TEST_CASE("a connect says why it failed", "[base][stream]") {
  asio::io_context io{1};
  StreamList list;
  Stream stream{io, list};
  error_code error;
  const Endpoint nowhere{asio::local::stream_protocol::endpoint{"/nonexistent/keepsake"}};
  const auto connect = [](Stream& s, const Endpoint& to, error_code& result) -> Task<void> {
    result = co_await s.connect(to, s.in(seconds{1}));
  };
  start(connect(stream, nowhere, error));
  io.run();
  CHECK(error == boost::system::errc::no_such_file_or_directory);
}

TEST_CASE("a peer that accepts slowly but steadily is no stalled one", "[base][stream]") {
  // A third of the buffer must be free before the kernel says that it can be written.
  Pair pair;
  Outcome outcome;
  start(write(pair, seconds{10}, kMuch, kMuch, outcome));
  pair.turn();
  for (int i = 0; i < 3; ++i) {
    pair.advance(seconds{4});
    REQUIRE_FALSE(take(pair.peer, 40'000).empty());
    pair.advance(seconds{4});
    REQUIRE(outcome.done == 0);
  }
  pair.advance(seconds{12});
  REQUIRE(outcome.done == 1);
  CHECK(outcome.result.status == IoStatus::TimedOut);
}

TEST_CASE("three parts arrive in their order, however the kernel takes them", "[base][stream]") {
  Pair pair;
  IoStatus status = IoStatus::Failed;
  const std::string head = GENERATE("head\r\n", "", "h");
  const std::string middle = GENERATE(std::string{}, std::string{"body"}, kMuch);
  const auto write_parts = [](Stream& stream, std::string_view one, std::string_view two,
                              IoStatus& result) -> Task<void> {
    result = co_await stream.write(seconds{10}, one, two, std::string_view{"\r\n"});
  };
  start(write_parts(*pair.stream, head, middle, status));
  std::string got;
  for (int i = 0; i < 1000 && got.size() < head.size() + middle.size() + 2; ++i) {
    pair.turn();
    got += take(pair.peer);
  }
  pair.turn();
  CHECK(status == IoStatus::Ok);
  CHECK((got == head + middle + "\r\n"));
}

TEST_CASE("a nudge loses no bytes that have been taken off the kernel", "[base][stream]") {
  Pair pair;
  Outcome reading;
  CHECK(::send(pair.peer, "request", 7, 0) == 7);
  start(read(pair, seconds{10}, reading));
  pair.stream->nudge_reader();
  pair.turn();
  REQUIRE(reading.done == 1);
  CHECK(reading.result.status == IoStatus::Ok);
  CHECK(reading.bytes == "request");
}
