// The reads and writes of one turn of the event loop, made together.
#include "io/io_round.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "io/stream.hpp"
#include "io/task.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

struct SocketPair {
  SocketPair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  }
  ~SocketPair() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  int fds[2];
};

using Order = std::vector<int>;

struct Asked final : IoRound::Op {
  Asked(int its_number, IoRound::Call its_call, Order& its_order)
      : number(its_number), what(its_call), order(its_order) {}
  IoRound::Call call() override { return what; }
  void performed(int n, bool) override {
    result = n;
    order.push_back(number);
  }
  int number;
  IoRound::Call what;
  Order& order;
  int result = 0;
};

// Of this process's ring; -1 if it has none.
int ring_descriptor() {
  char name[64], target[64];
  for (int fd = 0; fd < 1024; ++fd) {
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(name, target, sizeof target);
    if (n > 0 && std::string_view{target, static_cast<std::size_t>(n)} == "anon_inode:[io_uring]") {
      return fd;
    }
  }
  return -1;
}

struct Rounds {
  explicit Rounds(bool one_call, unsigned alone = 0) { round.begin(io, one_call, alone); }
  void turn() {
    io.restart();
    io.poll();
  }
  IoRound round;
  asio::io_context io{1};
};

}  // namespace

TEST_CASE("nothing is gathered until a round has begun", "[base][round]") {
  IoRound round;
  for (int i = 0; i < 1000; ++i) {
    CHECK(round.read_goes_alone());
    CHECK(round.write_goes_alone());
  }
}

TEST_CASE("a round of any size is performed in its order, each with its own result",
          "[base][round]") {
  const bool one_call = GENERATE(false, true);
  const int count = GENERATE(1, 2, 255, 256, 257, 700);
  Rounds rounds{one_call};
  const SocketPair pairs[7];  // a socket takes some 250 writes that nobody reads
  std::string written(static_cast<std::size_t>(count), '\0');
  Order order;
  std::vector<std::unique_ptr<Asked>> asked;
  for (int i = 0; i < count; ++i) {
    char& byte = written[static_cast<std::size_t>(i)];
    byte = static_cast<char>('a' + i % 26);
    asked.push_back(
        std::make_unique<Asked>(i, IoRound::Call{pairs[i / 100].fds[0], &byte, 1}, order));
    rounds.round.add_write(*asked.back());
  }
  CHECK(order.empty());
  rounds.turn();
  REQUIRE(order.size() == static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    CHECK(order[static_cast<std::size_t>(i)] == i);
    CHECK(asked[static_cast<std::size_t>(i)]->result == 1);
  }
  std::string seen;
  for (const SocketPair& pair : pairs) {
    char bytes[200];
    const ssize_t n = ::recv(pair.fds[1], bytes, sizeof bytes, MSG_DONTWAIT);
    seen.append(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  CHECK(seen == written);
}

TEST_CASE("what cannot be done is told to whom it concerns, and to nobody else", "[base][round]") {
  Rounds rounds{GENERATE(false, true)};
  const SocketPair good, empty, broken;
  ::shutdown(broken.fds[0], SHUT_WR);
  char bytes[] = "hello";
  char space[8] = {};
  Order order;
  Asked nothing_there{0, {empty.fds[0], space, sizeof space}, order};
  Asked over{1, {-1, bytes, 5}, order};
  Asked no_reader{2, {broken.fds[0], bytes, 5}, order};
  Asked no_socket{3, {1'000'000, bytes, 5}, order};
  Asked fine{4, {good.fds[0], bytes, 5}, order};
  Asked end{5, {broken.fds[1], space, sizeof space}, order};
  for (Asked* each : {&over, &no_reader, &no_socket, &fine}) {
    rounds.round.add_write(*each);
  }
  rounds.round.add_read(nothing_there);
  rounds.round.add_read(end);
  rounds.turn();
  CHECK(order == Order{0, 5, 1, 2, 3, 4});
  CHECK(nothing_there.result == -EAGAIN);
  CHECK(over.result == -ECANCELED);
  CHECK(no_reader.result == -EPIPE);
  CHECK(no_socket.result == -EBADF);
  CHECK(fine.result == 5);
  CHECK(end.result == 0);
}

TEST_CASE("who is told may join the next round at once", "[base][round]") {
  struct Again final : IoRound::Op {
    explicit Again(IoRound& its_round) : round(its_round) {}
    IoRound::Call call() override { return {-1, nullptr, 0}; }
    void performed(int, bool) override {
      if (++times < 5) {
        round.add_read(*this);
      }
    }
    IoRound& round;
    int times = 0;
  };
  Rounds rounds{GENERATE(false, true)};
  Again one{rounds.round}, other{rounds.round};
  rounds.round.add_read(one);
  rounds.round.add_write(other);
  rounds.turn();
  CHECK(one.times == 5);
  CHECK(other.times == 5);
}

TEST_CASE("after a small round operations go alone for a while, unless large ones have paid for it",
          "[base][round]") {
  Rounds rounds{false, 10};
  Order order;
  const auto round_of = [&](int count) {
    std::vector<std::unique_ptr<Asked>> asked;
    for (int i = 0; i < count; ++i) {
      asked.push_back(std::make_unique<Asked>(i, IoRound::Call{-1, nullptr, 0}, order));
      rounds.round.add_write(*asked.back());
    }
    rounds.turn();
    int alone = 0;
    while (rounds.round.write_goes_alone()) {
      ++alone;
    }
    return alone;
  };
  CHECK(round_of(1) == 10);
  CHECK(round_of(2) == 10);
  CHECK(round_of(3) == 0);
  CHECK(round_of(13) == 0);  // which saves ten calls, enough for five rounds of one
  for (int i = 0; i < 5; ++i) {
    CHECK(round_of(1) == 0);
  }
  CHECK(round_of(1) == 10);
}

TEST_CASE("what the owners of reads want to write is written in the same round", "[base][round]") {
  Rounds rounds{GENERATE(false, true)};
  const SocketPair pair;
  char bytes[] = "ab";
  Order order;
  Asked write{1, {pair.fds[0], bytes, 2}, order};
  struct Reader final : IoRound::Op {
    Reader(IoRound& its_round, Asked& its_write) : round(its_round), write(its_write) {}
    IoRound::Call call() override { return {-1, nullptr, 0}; }
    void performed(int, bool) override { round.add_write(write); }
    IoRound& round;
    Asked& write;
  } reader{rounds.round, write};
  rounds.round.add_read(reader);
  rounds.io.poll_one();
  CHECK(write.result == 2);
}

TEST_CASE("what a read in a round leaves is read, whoever reads it then", "[base][round]") {
  // A read by the round, then two that go alone; no event tells of what is there any more.
  const unsigned alone = GENERATE(1U, 2U, 3U, 100U);
  asio::io_context io{1};
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  StreamList list;
  list.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
  list.round().begin(io, true, alone);
  Stream stream{io, list};
  REQUIRE(stream.adopt(fds[0], AF_UNIX));
  REQUIRE(::send(fds[1], "abcdefg", 7, 0) == 7);
  ::close(fds[1]);
  std::string seen;
  IoStatus end = IoStatus::Ok;
  start([](Stream& from, std::string& into, IoStatus& last) -> Task<void> {
    char byte = 0;
    while (last == IoStatus::Ok) {
      const IoResult result = co_await from.read_some(&byte, 1, SteadyTime::max());
      into.append(&byte, result.bytes);
      last = result.status;
    }
  }(stream, seen, end));
  io.poll();
  CHECK(seen == "abcdefg");
  CHECK(end == IoStatus::End);
  stream.interrupt();
  io.restart();
  io.poll();
}

TEST_CASE("when the ring fails every operation is done, once, without it", "[base][round]") {
  Rounds rounds{true};
  const int ring = ring_descriptor();
  if (ring < 0) {
    return;  // not allowed here
  }
  const SocketPair writes[3], reads[3];
  Order order;
  char out[] = "x";
  std::vector<std::unique_ptr<Asked>> asked;
  std::vector<char> in(300);
  for (int i = 0; i < 300; ++i) {
    char& byte = in[static_cast<std::size_t>(i)];
    REQUIRE(::send(reads[i / 100].fds[1], out, 1, 0) == 1);
    asked.push_back(
        std::make_unique<Asked>(i, IoRound::Call{reads[i / 100].fds[0], &byte, 1}, order));
    rounds.round.add_read(*asked.back());
    asked.push_back(
        std::make_unique<Asked>(300 + i, IoRound::Call{writes[i / 100].fds[0], out, 1}, order));
    rounds.round.add_write(*asked.back());
  }
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  REQUIRE(::dup3(nothing, ring, O_CLOEXEC) == ring);
  ::close(nothing);
  rounds.turn();
  REQUIRE(order.size() == 600);
  for (int i = 0; i < 600; ++i) {
    CHECK(order[static_cast<std::size_t>(i)] == i);
  }
  CHECK(
      std::all_of(asked.begin(), asked.end(), [](const auto& each) { return each->result == 1; }));
  CHECK(std::count(in.begin(), in.end(), 'x') == 300);
  for (const SocketPair& pair : writes) {
    char bytes[200];
    CHECK(::recv(pair.fds[1], bytes, sizeof bytes, MSG_DONTWAIT) == 100);
  }
}

// --- Streams whose operations are in a round when something else happens.

namespace {

struct StreamInRound {
  explicit StreamInRound(bool one_call) {
    list.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
    list.round().begin(io, one_call, 0);
    REQUIRE(stream.adopt(::dup(pair.fds[0]), AF_UNIX));
  }
  void turn() {
    io.restart();
    io.poll();
  }
  std::string at_peer() const {
    char bytes[64];
    const ssize_t n = ::recv(pair.fds[1], bytes, sizeof bytes, MSG_DONTWAIT);
    return {bytes, n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  SocketPair pair;
  StreamList list;
  asio::io_context io{1};
  Stream stream{io, list};
};

struct Outcome {
  bool done = false;
  IoResult result{};
};

Task<void> write(StreamInRound& world, std::string_view bytes, Outcome& outcome) {
  outcome.result.status = co_await world.stream.write(Millis{1000}, bytes);
  outcome.done = true;
}

Task<void> read(StreamInRound& world, char (&space)[8], Outcome& outcome) {
  outcome.result = co_await world.stream.read_some(space, sizeof space, SteadyTime::max());
  outcome.done = true;
}

}  // namespace

TEST_CASE("a write that was interrupted before its round is not made", "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  Outcome outcome;
  start(write(world, "hello", outcome));
  world.stream.interrupt();
  world.turn();
  CHECK(outcome.done);
  CHECK(outcome.result.status == IoStatus::Interrupted);
  CHECK(world.at_peer().empty());
}

TEST_CASE("a write is not made if what it was made on holds no more", "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  bool over = false;
  IoStatus status = IoStatus::Ok;
  start([](Stream& to, const bool& unless, IoStatus& result) -> Task<void> {
    const WriteTerms terms{false, &unless};
    result = co_await to.write(Millis{1000}, "hello", {}, terms);
  }(world.stream, over, status));
  over = true;
  world.turn();
  CHECK(status == IoStatus::Interrupted);
  CHECK(world.at_peer().empty());
}

TEST_CASE("a stream that was closed before its round touches no descriptor", "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  Outcome wrote;
  start(write(world, "hello", wrote));
  const int before = world.stream.fd();
  world.stream.close();
  const SocketPair next;  // which gets the number that is free now
  REQUIRE((next.fds[0] == before || next.fds[1] == before));
  world.turn();
  CHECK(wrote.done);
  CHECK(wrote.result.status == IoStatus::Interrupted);
  char byte = 0;
  CHECK(::recv(next.fds[0], &byte, 1, MSG_DONTWAIT) == -1);
  CHECK(::recv(next.fds[1], &byte, 1, MSG_DONTWAIT) == -1);
}

TEST_CASE("a read in a round whose stream is closed or interrupted by another one ends",
          "[base][round]") {
  StreamInRound world{true};
  const bool closes = GENERATE(false, true);
  char space[8];
  Outcome outcome;
  // Before the stream's own in the round that the event of its bytes fills.
  struct Other final : IoRound::Op {
    Other(Stream& its_stream, bool wants_close) : stream(its_stream), close(wants_close) {}
    IoRound::Call call() override {
      if (close) {
        stream.close();
      } else {
        stream.interrupt();
      }
      return {-1, nullptr, 0};
    }
    void performed(int, bool) override {}
    Stream& stream;
    bool close;
  } other{world.stream, closes};
  start(read(world, space, outcome));
  REQUIRE(::send(world.pair.fds[1], "hello", 5, 0) == 5);
  world.list.round().add_read(other);
  world.turn();
  CHECK(outcome.done);
  // Bytes that were there are delivered to who is interrupted, as they are without a round.
  CHECK((outcome.result.status == IoStatus::Interrupted) == closes);
}

TEST_CASE("an end or a reset that a round has read is there for the next read", "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  char space[8];
  Outcome first, second;
  start(read(world, space, first));
  ::shutdown(world.pair.fds[1], SHUT_WR);
  world.turn();
  CHECK(first.result.status == IoStatus::End);
  start(read(world, space, second));
  world.turn();
  CHECK(second.done);
  CHECK(second.result.status == IoStatus::End);
}

TEST_CASE("a write that shall be made at once does not wait for its round", "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  IoStatus status = IoStatus::Failed;
  start([](Stream& to, IoStatus& result) -> Task<void> {
    const WriteTerms terms{true, nullptr};
    result = co_await to.write(Millis{1000}, "hello", {}, terms);
  }(world.stream, status));
  CHECK(status == IoStatus::Ok);
  CHECK(world.at_peer() == "hello");
}

TEST_CASE("a write that the peer does not take, interrupted while its round is told, ends at once",
          "[base][round]") {
  StreamInRound world{GENERATE(false, true)};
  const std::string much(4 << 20, 'x');
  struct Other final : IoRound::Op {
    explicit Other(Stream& its_stream) : stream(its_stream) {}
    IoRound::Call call() override { return {-1, nullptr, 0}; }
    void performed(int, bool) override { stream.interrupt(); }
    Stream& stream;
  } other{world.stream};
  Outcome outcome;
  world.list.round().add_write(other);
  start(write(world, much, outcome));
  world.turn();
  CHECK(outcome.done);
  CHECK(outcome.result.status == IoStatus::Interrupted);
}
