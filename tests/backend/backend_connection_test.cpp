// A link over TLS whose record arrives in parts.

#include "backend/backend_connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "backend/backend_book.hpp"
#include "backend/server_pool.hpp"
#include "io/tls.hpp"
#include "io/tls_backend.hpp"
#include "io/tls_listener.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/manual_clock.hpp"

using namespace keepsake;
using keepsake::test::Certificates;
using std::chrono::seconds;

namespace {

struct Done {
  int count = 0;
  IoStatus status = IoStatus::Ok;
  std::string why;
};

Task<void> shake(Stream& stream, std::unique_ptr<Tls>& tls, Done& done) {
  done.status = co_await stream.handshake(tls, stream.in(seconds{10}), done.why);
  ++done.count;
}
Task<void> more(BackendConnection& link, Done& done) {
  const IoResult result = co_await link.more(link.stream.in(seconds{10}));
  done.status = result.status;
  ++done.count;
}
Task<void> write(Stream& stream, std::string_view text, Done& done) {
  done.status = co_await stream.write(seconds{10}, text);
  ++done.count;
}

// The link, its server, and between them who passes on as much as the test wants.
struct World {
  World() {
    config.name = "app";
    ServerConfig& server = config.servers.emplace_back();
    server.url = "https://app.example";
    server.address.host = "app.example";
    streams.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
    load = std::make_shared<BackendLoad>(io, book.queue("app"));
    pool = std::make_unique<ServerPool>(
        PoolContext{io, streams, buffers, metrics, changes}, config, server,
        PoolShares{book.figures(this, "app", server.url), book.load("app", server.url), load});
    int near[2], far[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, near) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, far) == 0);
    to_link = near[1];
    to_server = far[1];
    lease = Lease{*pool, new BackendConnection{*pool, io, streams, buffers}};
    REQUIRE((lease->stream.adopt(near[0], AF_UNIX) && peer.adopt(far[0], AF_UNIX)));
    shake_hands(near[0], far[0]);
  }
  ~World() {
    lease.close();
    turn();
    ::close(to_link);
    ::close(to_server);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void shake_hands(int link_fd, int peer_fd) {
    const Certificates::Pair pair = files.make("server", {"app.example"});
    TlsListenerOptions front;
    front.certificates = {{pair.certificate, pair.key}};
    TlsBackendOptions back;
    back.ca = files.authority();
    std::string error;
    listener = TlsListener::make(front, tickets, error);
    backend = TlsBackend::make(back, error);
    REQUIRE((listener && backend));
    std::unique_ptr<Tls> theirs = listener->accept(peer_fd);
    std::unique_ptr<Tls> ours = backend->connect(link_fd, "app.example", session);
    Done there, here;
    start(shake(peer, theirs, there));
    start(shake(lease->stream, ours, here));
    for (int i = 0; i < 10; ++i) {
      pass(to_link, to_server);
      pass(to_server, to_link);
      turn();
    }
    REQUIRE((there.count == 1 && there.status == IoStatus::Ok));
    REQUIRE((here.count == 1 && here.status == IoStatus::Ok));
  }
  void turn() {
    io.restart();
    io.poll();
  }
  static std::string take(int from) {
    std::string bytes(65536, '\0');
    const ssize_t n = ::recv(from, bytes.data(), bytes.size(), 0);
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return bytes;
  }
  static void give(int to, std::string_view bytes) {
    CHECK(::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  }
  static void pass(int from, int to) { give(to, take(from)); }

  Certificates files;
  test::ManualClock clock;
  std::shared_ptr<TlsTicketKeys> tickets = std::make_shared<TlsTicketKeys>(clock);
  std::shared_ptr<TlsListener> listener;
  std::shared_ptr<TlsBackend> backend;
  TlsSession session;
  asio::io_context io{1};
  StreamList streams;
  BufferPool buffers{128 * 1024, 4};
  Metrics metrics;
  std::uint64_t changes = 0;
  BackendBook book;
  BackendConfig config;
  std::shared_ptr<BackendLoad> load;
  std::unique_ptr<ServerPool> pool;
  Stream peer{io, streams};
  Lease lease;
  int to_link = -1, to_server = -1;
};

}  // namespace

TEST_CASE("a link waits for the whole of a record", "[backend]") {
  World world;
  Done sent, got;
  start(write(world.peer, "answer", sent));
  const std::string record = World::take(world.to_server);
  REQUIRE(record.size() > 6);
  World::give(world.to_link, record.substr(0, 6));
  start(more(*world.lease, got));
  world.turn();
  CHECK(got.count == 0);
  World::give(world.to_link, record.substr(6));
  world.turn();
  CHECK(got.count == 1);
  CHECK(world.lease->in.bytes() == "answer");
}

// The part was taken off the socket, nobody has looked at it yet: there is no read to be cancelled.
TEST_CASE("a link is interrupted though a part of a record has just come", "[backend]") {
  World world;
  Done sent, got;
  start(write(world.peer, "answer", sent));
  World::give(world.to_link, World::take(world.to_server).substr(0, 6));
  start(more(*world.lease, got));
  world.lease->stream.interrupt();
  world.turn();
  CHECK(got.count == 1);
  CHECK(got.status == IoStatus::Interrupted);
}
