// Reads of TCP that wait without asking the kernel first, and what they must not miss for it.
#include "io/stream_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "io/stream.hpp"
#include "io/task.hpp"
#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace keepsake;

namespace {

// A connection through the loopback: one end is the stream under test, the other a descriptor.
struct TcpPair {
  TcpPair() {
    const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tune_tcp(door);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* generic = reinterpret_cast<sockaddr*>(&name);
    REQUIRE(::bind(door, generic, size) == 0);
    REQUIRE(::listen(door, 1) == 0);
    REQUIRE(::getsockname(door, generic, &size) == 0);
    peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(peer, generic, size) == 0);
    ours = ::accept4(door, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ::close(door);
    list.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
    test::in_each_way(list.round(), io);
    REQUIRE(stream.adopt(ours, AF_INET));
  }
  ~TcpPair() { close_peer(); }
  TcpPair(const TcpPair&) = delete;
  TcpPair& operator=(const TcpPair&) = delete;

  void close_peer() {
    if (peer >= 0) {
      ::close(peer);
      peer = -1;
    }
  }
  void reset_by_peer() {
    const linger hard{1, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close_peer();
  }
  void send(std::string_view bytes) const {
    REQUIRE(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // Until the kernel has all of `what` for us: then one look of the reactor sees all of it.
  void wait_for(short what) const {
    pollfd entry{ours, what, 0};
    while ((entry.revents & what) != what) {
      REQUIRE(::poll(&entry, 1, 5000) == 1);
    }
  }
  void turn() {
    io.restart();
    io.poll();
  }
  void sweep() {
    list.sweep(list.now(), Millis{1000});
    turn();
  }

  asio::io_context io{1};
  StreamList list;
  Stream stream{io, list};
  int peer = -1;
  int ours = -1;
};

struct Seen {
  std::string bytes;
  int reads = 0;
  IoStatus last = IoStatus::Ok;
  bool done = false;
};

Task<void> read_all(TcpPair& pair, std::size_t most, Seen& seen) {
  char data[64];
  while (true) {
    const IoResult result = co_await pair.stream.read_some(data, most, SteadyTime::max());
    if (result.status != IoStatus::Ok) {
      seen.last = result.status;
      seen.done = true;
      co_return;
    }
    seen.bytes.append(data, result.bytes);
    ++seen.reads;
  }
}

}  // namespace

TEST_CASE("an accepted socket has what its listener was tuned to", "[base][stream]") {
  const TcpPair pair;
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(pair.ours, IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0);
  CHECK(value != 0);
  value = 0;
  REQUIRE(::getsockopt(pair.ours, IPPROTO_TCP, TCP_INQ, &value, &size) == 0);
  CHECK(value != 0);
}

TEST_CASE("bytes that come one after the other are read one after the other", "[base][stream]") {
  TcpPair pair;
  Seen seen;
  start(read_all(pair, 64, seen));
  for (int i = 1; i <= 3; ++i) {
    pair.send("abc");
    pair.wait_for(POLLIN);
    pair.turn();
    CHECK(seen.reads == i);
  }
  CHECK(seen.bytes == "abcabcabc");
  pair.close_peer();
  pair.wait_for(POLLIN);
  pair.turn();
  CHECK(seen.last == IoStatus::End);
}

TEST_CASE("more bytes than one read takes are all read, of one event", "[base][stream]") {
  TcpPair pair;
  Seen seen;
  start(read_all(pair, 2, seen));
  pair.send("abcdefg");
  pair.wait_for(POLLIN);
  pair.turn();
  CHECK(seen.bytes == "abcdefg");
  CHECK(seen.reads == 4);
  CHECK_FALSE(seen.done);
  pair.close_peer();
  pair.wait_for(POLLRDHUP);
  pair.turn();
  CHECK(seen.last == IoStatus::End);
}

TEST_CASE("an end that comes together with the last bytes is seen at once", "[base][stream]") {
  TcpPair pair;
  Seen seen;
  const std::size_t most = GENERATE(64U, 3U);
  start(read_all(pair, most, seen));
  pair.send("abc");
  ::shutdown(pair.peer, SHUT_WR);
  pair.wait_for(POLLIN | POLLRDHUP);
  pair.turn();
  CHECK(seen.bytes == "abc");
  CHECK(seen.done);
  CHECK(seen.last == IoStatus::End);
}

TEST_CASE("a reset that comes together with the last bytes is seen at the next sweep",
          "[base][stream]") {
  TcpPair pair;
  Seen seen;
  start(read_all(pair, 64, seen));
  pair.send("abc");
  pair.reset_by_peer();
  pair.wait_for(POLLIN | POLLHUP);
  pair.turn();
  CHECK(seen.bytes == "abc");
  pair.sweep();
  CHECK(seen.done);
  CHECK(seen.last == IoStatus::Failed);
}

TEST_CASE("a reset of an idle connection is seen at once", "[base][stream]") {
  TcpPair pair;
  Seen seen;
  start(read_all(pair, 64, seen));
  pair.send("abc");
  pair.wait_for(POLLIN);
  pair.turn();
  pair.sweep();
  CHECK_FALSE(seen.done);
  pair.reset_by_peer();
  pair.wait_for(POLLHUP);
  pair.turn();
  CHECK(seen.last == IoStatus::Failed);
}

TEST_CASE("bytes that come after the sweep has asked are read by themselves", "[base][stream]") {
  TcpPair pair;
  Seen seen;
  start(read_all(pair, 64, seen));
  for (int i = 1; i <= 2; ++i) {
    pair.send("abc");
    pair.wait_for(POLLIN);
    pair.turn();
    pair.sweep();
    pair.sweep();
  }
  CHECK(seen.bytes == "abcabc");
  pair.stream.interrupt();
  pair.turn();
  CHECK(seen.last == IoStatus::Interrupted);
}

TEST_CASE("what came while nobody read is read without waiting", "[base][stream]") {
  TcpPair pair;
  pair.send("abc");
  pair.wait_for(POLLIN);
  pair.turn();
  Seen seen;
  start(read_all(pair, 64, seen));
  pair.turn();
  CHECK(seen.bytes == "abc");
  pair.stream.interrupt();
  pair.turn();
  CHECK(seen.done);
}
