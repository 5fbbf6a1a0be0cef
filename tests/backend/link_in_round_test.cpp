// A link whose pending read is in the same round as what another connection does with it: bytes
// that nobody asked for must not become the answer to the request that comes then.

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "backend/backend_book.hpp"
#include "backend/backend_connection.hpp"
#include "backend/server_pool.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using std::chrono::seconds;

namespace {

struct World {
  World() {
    config.name = "app";
    ServerConfig& server = config.servers.emplace_back();
    server.url = "http://127.0.0.1:1";
    streams.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
    ring = streams.round().begin(io, true, 0);
    load = std::make_shared<BackendLoad>(io, book.queue("app"));
    pool = std::make_unique<ServerPool>(
        PoolContext{io, streams, buffers, metrics, changes}, config, server,
        PoolShares{book.figures(this, "app", server.url), book.load("app", server.url), load});
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    peer = fds[1];
    Lease lease{*pool, new BackendConnection{*pool, io, streams, buffers}};
    REQUIRE(lease->stream.adopt(fds[0], AF_UNIX));
    lease.give_back();
  }
  ~World() {
    pool->close_idle();
    turn();
    ::close(peer);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void turn() {
    io.restart();
    io.poll();
  }
  void send_unasked() const { REQUIRE(::send(peer, "HTTP/1.1 200 OK\r\n", 17, 0) == 17); }
  std::string at_peer() const {
    char bytes[64];
    const ssize_t n = ::recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    return {bytes, n > 0 ? static_cast<std::size_t>(n) : 0};
  }

  StreamList streams;
  BufferPool buffers{128 * 1024, 4};
  Metrics metrics;
  std::uint64_t changes = 0;
  BackendBook book;
  BackendConfig config;
  std::shared_ptr<BackendLoad> load;
  asio::io_context io{1};
  std::unique_ptr<ServerPool> pool;
  int peer = -1;
  bool ring = false;
};

// A client's read in the round before the link's own, which brings a request.
struct Request final : IoRound::Op {
  Request(World& its_world, bool its_check) : world(its_world), check(its_check) {}
  IoRound::Call call() override { return {-1, nullptr, 0}; }
  void performed(int, bool) override { lease = world.pool->take_idle(check); }
  World& world;
  bool check;
  Lease lease;
};

Task<void> send(BackendConnection& link, IoStatus& status) {
  std::string head = "GET / HTTP/1.1\r\n\r\n";
  status = co_await link.send(seconds{10}, head, {}, true, false);
}

}  // namespace

TEST_CASE("a link whose unasked bytes were read with a round is not lent before it is told",
          "[backend][round]") {
  World world;
  if (!world.ring) {
    return;  // each read is told at once
  }
  Request request{world, GENERATE(false, true)};
  world.send_unasked();
  world.streams.round().add_read(request);
  world.turn();
  CHECK_FALSE(request.lease);
}

TEST_CASE("a link that bytes were announced on, which no round has read yet, is not lent",
          "[backend][round]") {
  World world;
  world.send_unasked();
  CHECK_FALSE(world.pool->take_idle(false));
}

TEST_CASE("a request is not written on a link that unasked bytes have come on",
          "[backend][round]") {
  World world;
  Lease lease = world.pool->take_idle(false);
  REQUIRE(lease);
  world.send_unasked();
  IoStatus status = IoStatus::Ok;
  start(send(*lease, status));
  world.turn();
  CHECK(status == IoStatus::Interrupted);
  CHECK_FALSE(lease->stream.interrupted());
  CHECK(world.at_peer().empty());
  lease.close();
}

TEST_CASE("a request is written on a link that nothing has come on", "[backend][round]") {
  World world;
  Lease lease = world.pool->take_idle(true);
  REQUIRE(lease);
  IoStatus status = IoStatus::Failed;
  start(send(*lease, status));
  world.turn();
  CHECK(status == IoStatus::Ok);
  CHECK(world.at_peer() == "GET / HTTP/1.1\r\n\r\n");
  lease.close();
}
