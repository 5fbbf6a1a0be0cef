// Stream over TLS, both of its ends ours: what a plain stream promises holds here too.

#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "io/stream.hpp"
#include "io/task.hpp"
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

struct World {
  World() {
    const Certificates::Pair pair = files.make("server", {"app.example", "*.apps.example"});
    TlsListenerOptions front;
    front.certificates = {{pair.certificate, pair.key}};
    std::string error;
    listener = TlsListener::make(front, tickets, error);
    CHECK(error.empty());
    TlsBackendOptions back;
    back.ca = files.authority();
    backend = TlsBackend::make(back, error);
    CHECK(error.empty());
    REQUIRE((listener && backend));
  }
  // The backend's file changes, though not whom it believes.
  void renew_authorities() {
    std::ostringstream text;
    text << std::ifstream{files.authority()}.rdbuf() << '\n';
    files.write("ca.crt", text.str());
    std::string what;
    REQUIRE(backend->refresh(what) == TlsRefresh::Renewed);
  }

  Certificates files;
  test::ManualClock clock;
  std::shared_ptr<TlsTicketKeys> tickets = std::make_shared<TlsTicketKeys>(clock);
  std::shared_ptr<TlsListener> listener;
  std::shared_ptr<TlsBackend> backend;
  TlsSession session;
};

struct Done {
  int count = 0;
  IoResult result{};
  std::string bytes, why;
};

Task<void> shake(Stream& stream, std::unique_ptr<Tls>& tls, Done& done) {
  done.result.status = co_await stream.handshake(tls, stream.in(seconds{10}), done.why);
  ++done.count;
}
Task<void> read(Stream& stream, std::size_t most, Done& done) {
  std::string data(most, '\0');
  done.result = co_await stream.read_some(data.data(), most, stream.in(seconds{10}));
  done.bytes.append(data, 0, done.result.bytes);
  ++done.count;
}
Task<void> read_all(Stream& stream, std::size_t most, Done& done) {
  std::string data(most, '\0');
  while (done.result.status == IoStatus::Ok) {
    done.result = co_await stream.read_some(data.data(), most, stream.in(seconds{10}));
    done.bytes.append(data, 0, done.result.bytes);
  }
  ++done.count;
}
// Memory that is lent while there is something to read.
struct Lender final : ReadSpace {
  asio::mutable_buffer take() override {
    ++lent;
    return {bytes, sizeof bytes};
  }
  void give_back() override { --lent; }
  char bytes[64 * 1024] = {};
  int lent = 0;
};
Task<void> read_into(Stream& stream, Lender& lender, Done& done) {
  done.result = co_await stream.read_into(lender, stream.in(seconds{10}));
  done.bytes.append(lender.bytes, done.result.bytes);
  ++done.count;
}
Task<void> write(Stream& stream, std::string_view one, std::string_view two, Done& done) {
  done.result.status = co_await stream.write(seconds{10}, one, two);
  ++done.count;
}

struct Pair {
  explicit Pair(World& world, const std::string& name = "app.example") {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    list.sweep(now, Millis{1000});
    REQUIRE((server.adopt(fds[0], AF_UNIX) && client.adopt(fds[1], AF_UNIX)));
    std::unique_ptr<Tls> theirs = world.listener->accept(fds[0]);
    std::unique_ptr<Tls> ours = world.backend->connect(fds[1], name, world.session);
    REQUIRE((theirs && ours));
    start(shake(server, theirs, server_done));
    start(shake(client, ours, client_done));
    turn();
    REQUIRE(client_done.count == 1);
  }
  void turn() {
    for (int i = 0; i < 4; ++i) {
      io.restart();
      io.poll();
    }
  }
  void advance(seconds by) {
    now += by;
    list.sweep(now, Millis{1000});
    turn();
  }

  asio::io_context io{1};
  StreamList list;
  SteadyTime now{std::chrono::hours{1}};
  Stream server{io, list}, client{io, list};
  Done server_done, client_done;
};

}  // namespace

TEST_CASE("both ends agree and bytes pass in both directions", "[base][tls]") {
  World world;
  Pair pair{world};
  REQUIRE(pair.server_done.result.status == IoStatus::Ok);
  REQUIRE(pair.client_done.result.status == IoStatus::Ok);
  Done there, back, sent;
  start(read(pair.server, 64, there));
  start(write(pair.client, "head ", "and body", sent));
  CHECK(sent.count == 1);
  pair.turn();
  CHECK(there.bytes == "head and body");
  start(write(pair.server, "answer", {}, sent));
  start(read(pair.client, 65536, back));
  pair.turn();
  CHECK(back.bytes == "answer");
}

TEST_CASE("long messages arrive whole, whatever the reader's buffer is", "[base][tls]") {
  World world;
  Pair pair{world};
  std::string one, two;
  for (int i = 0; i < 400'000; ++i) {
    one += std::to_string(i);
    two += static_cast<char>(i);
  }
  const std::size_t buffer = GENERATE(1000UL, 20'000UL, 40'000UL, 131'072UL);
  Done sent, got;
  start(read_all(pair.server, buffer, got));
  start(write(pair.client, one, two, sent));
  while (sent.count == 0) {
    pair.turn();
  }
  pair.client.shutdown_write();
  for (int i = 0; i < 3000 && got.count == 0; ++i) {
    pair.turn();
  }
  CHECK(sent.result.status == IoStatus::Ok);
  CHECK(got.result.status == IoStatus::End);
  CHECK((got.bytes == one + two));
}

TEST_CASE("a TLS read times out, is nudged and interrupted like a plain one", "[base][tls]") {
  World world;
  Pair pair{world};
  Done done, later;
  start(read(pair.server, 65536, done));
  SECTION("timeout") {
    pair.advance(seconds{12});
    CHECK(done.result.status == IoStatus::TimedOut);
  }
  SECTION("nudge") {
    pair.server.nudge_reader();
    pair.turn();
    CHECK(done.result.status == IoStatus::Interrupted);
  }
  SECTION("interrupt") {
    pair.server.interrupt();
    pair.turn();
    CHECK(done.result.status == IoStatus::Interrupted);
    return;
  }
  Done sent;
  start(write(pair.client, "later", {}, sent));
  start(read(pair.server, 65536, later));
  pair.turn();
  CHECK(later.bytes == "later");
}

TEST_CASE("a write that the peer does not take times out", "[base][tls]") {
  World world;
  Pair pair{world};
  Done sent;
  const std::string much(4 << 20, 'x');
  start(write(pair.client, much, {}, sent));
  pair.turn();
  CHECK(sent.count == 0);
  pair.advance(seconds{12});
  CHECK(sent.result.status == IoStatus::TimedOut);
}

TEST_CASE("bytes that are decrypted already are read without the socket", "[base][tls]") {
  World world;
  Pair pair{world};
  Done sent, some, rest;
  start(write(pair.client, "0123456789", {}, sent));
  start(read(pair.server, 4, some));
  pair.turn();
  CHECK(some.bytes == "0123");
  const auto lender = std::make_unique<Lender>();
  start(read_into(pair.server, *lender, rest));
  CHECK(rest.count == 1);
  CHECK(rest.bytes == "456789");
}

TEST_CASE("a TLS read that waits holds no memory until there is a whole record", "[base][tls]") {
  World world;
  Pair pair{world};
  const auto lender = std::make_unique<Lender>();
  Done sent, read;
  start(read_into(pair.server, *lender, read));
  pair.turn();
  CHECK(lender->lent == 0);
  pair.server.rest();  // as the sweep does to those who idle
  start(write(pair.client, "x", {}, sent));
  pair.turn();
  CHECK(read.bytes == "x");
  CHECK(lender->lent == 1);
}

TEST_CASE("a key update that meets a full send buffer loses no input", "[base][tls]") {
  World world;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  asio::io_context io{1};
  StreamList list;
  list.sweep(SteadyTime{std::chrono::hours{1}}, Millis{1000});
  Stream server{io, list};
  REQUIRE(server.adopt(fds[0], AF_UNIX));
  const auto turn = [&io] {
    io.restart();
    io.poll();
  };
  const std::unique_ptr<SSL_CTX, TlsFree> context{SSL_CTX_new(TLS_client_method())};
  const std::unique_ptr<SSL, TlsFree> client{SSL_new(context.get())};
  SSL_set_fd(client.get(), fds[1]);
  SSL_set_connect_state(client.get());
  std::unique_ptr<Tls> tls = world.listener->accept(fds[0]);
  Done shaken, sent, got;
  start(shake(server, tls, shaken));
  for (int i = 0; i < 10; ++i) {
    SSL_do_handshake(client.get());
    turn();
  }
  REQUIRE(shaken.result.status == IoStatus::Ok);
  const std::string much(2 << 20, 'x');
  start(write(server, much, {}, sent));
  turn();
  REQUIRE(sent.count == 0);
  start(read_all(server, 65536, got));
  // One request: the library fails if another comes before its answer to the first could go out.
  REQUIRE(SSL_key_update(client.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(SSL_write(client.get(), "input ", 6) == 6);
    if (i != 1) {
      turn();
    }
  }
  CHECK(got.bytes == "input input input ");
  std::string received;
  char bytes[16384];
  for (int i = 0; i < 10'000 && received.size() < much.size(); ++i) {
    const int n = SSL_read(client.get(), bytes, sizeof bytes);
    received.append(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
    turn();
  }
  CHECK((received == much));
  CHECK(sent.result.status == IoStatus::Ok);
  REQUIRE(SSL_write(client.get(), "and more", 8) == 8);
  turn();
  CHECK(got.bytes == "input input input and more");
  server.interrupt();
  turn();
  ::close(fds[1]);
}

TEST_CASE("an end without close_notify is a failure from a backend and an end from a client",
          "[base][tls]") {
  World world;
  Pair pair{world};
  const bool said = GENERATE(true, false);
  const bool from_server = GENERATE(true, false);
  Stream& ends = from_server ? pair.server : pair.client;
  Stream& sees = from_server ? pair.client : pair.server;
  Done done;
  CHECK_FALSE(pair.client.has_news());  // unread tickets would make the end a reset
  start(read_all(sees, 65536, done));
  if (said) {
    ends.close();
  } else {
    ends.close_with_reset();  // on a unix socket: an end like any other
  }
  pair.turn();
  CHECK(done.result.status == (said || !from_server ? IoStatus::End : IoStatus::Failed));
}

TEST_CASE("session tickets on an idle link are no news, bytes and an end are", "[base][tls]") {
  World world;
  Pair pair{world};
  CHECK_FALSE(pair.client.has_news());  // takes the tickets
  CHECK(world.session);
  Done sent;
  SECTION("bytes") {
    start(write(pair.server, "stray", {}, sent));
    CHECK(pair.client.has_news());
  }
  SECTION("an end") {
    pair.server.close();
    CHECK(pair.client.has_news());
  }
}

TEST_CASE("another name, another authority and plain text are refused with the reason",
          "[base][tls]") {
  World world;
  SECTION("name") {
    Pair pair{world, "other.example"};
    CHECK(pair.client_done.result.status == IoStatus::Failed);
    CHECK(pair.client_done.why == "hostname mismatch");
  }
  SECTION("wildcard is one label") {
    Pair pair{world, "a.b.apps.example"};
    CHECK(pair.client_done.why == "hostname mismatch");
  }
  SECTION("the root's dot") {
    Pair pair{world, "a.apps.example."};
    CHECK(pair.client_done.result.status == IoStatus::Ok);
  }
  SECTION("wildcard") {
    Pair pair{world, "a.apps.example"};
    CHECK(pair.client_done.result.status == IoStatus::Ok);
  }
  SECTION("authority") {
    const Certificates others;
    TlsBackendOptions options;
    options.ca = others.authority();
    std::string error;
    world.backend = TlsBackend::make(options, error);
    Pair pair{world};
    CHECK(pair.client_done.why == "unable to get local issuer certificate");
  }
  SECTION("authority, not verified") {
    TlsBackendOptions options;
    options.verify = false;
    std::string error;
    world.backend = TlsBackend::make(options, error);
    Pair pair{world, "other.example"};
    CHECK(pair.client_done.result.status == IoStatus::Ok);
  }
}

TEST_CASE("plain text in place of the handshake is refused", "[base][tls]") {
  World world;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  asio::io_context io{1};
  StreamList list;
  Stream client{io, list};
  REQUIRE(client.adopt(fds[1], AF_UNIX));
  std::unique_ptr<Tls> tls = world.backend->connect(fds[1], "app.example", world.session);
  Done done;
  start(shake(client, tls, done));
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  CHECK(::send(fds[0], plain.data(), plain.size(), 0) == static_cast<ssize_t>(plain.size()));
  io.poll();
  CHECK(done.result.status == IoStatus::Failed);
  CHECK(done.why == "wrong version number (the peer may not speak TLS)");
  ::close(fds[0]);
}

TEST_CASE("a session is resumed for one to two hours, whatever becomes of the certificate",
          "[base][tls]") {
  World world;
  {
    Pair pair{world};
    CHECK_FALSE(pair.client.tls()->resumed());
    CHECK_FALSE(pair.client.has_news());
    pair.client.close_with_reset();
  }
  REQUIRE(world.session);
  const auto resumed = [&world] {
    // The library takes up a session once; the server must not care.
    SSL_SESSION* const kept = SSL_SESSION_dup(world.session.get());
    Pair pair{world};
    world.session.keep(kept);
    return pair.client.tls()->resumed();
  };
  CHECK(resumed());
  world.clock.advance(std::chrono::minutes{90});
  CHECK(resumed());
  const Certificates::Pair next = world.files.make("server", {"app.example"});
  std::string what;
  CHECK(world.listener->refresh(what) == TlsRefresh::Renewed);
  CHECK(resumed());
  world.clock.advance(std::chrono::minutes{60});
  CHECK_FALSE(resumed());
}

TEST_CASE("a certificate that cannot be used leaves the old one in use, once", "[base][tls]") {
  World world;
  std::string what;
  CHECK(world.listener->refresh(what) == TlsRefresh::Unchanged);
  std::string wrong;
  SECTION("half a certificate") {
    world.files.write("server.crt", "-----BEGIN CERTIFICATE-----\nMIIB");
    wrong = "/server.crt: holds a broken certificate: the file may be cut off";
  }
  SECTION("a key of somebody else") {
    const Certificates::Pair other = world.files.make("other", {"app.example"});
    ::rename(other.key.c_str(), (world.files.folder() + "/server.key").c_str());
    wrong = "/server.key: is not the key of the certificate (of its first, the server's own)";
  }
  SECTION("no key") {
    ::unlink((world.files.folder() + "/server.key").c_str());
    wrong = "/server.key: cannot be read: No such file or directory";
  }
  CHECK(world.listener->refresh(what) == TlsRefresh::Refused);
  CHECK(what == world.files.folder() + wrong);
  CHECK(world.listener->refresh(what) == TlsRefresh::Unchanged);
  Pair pair{world};
  CHECK(pair.client_done.result.status == IoStatus::Ok);
  world.files.make("server", {"new.example"});
  CHECK(world.listener->refresh(what) == TlsRefresh::Renewed);
  world.session.forget();
  Pair renewed{world, "new.example"};
  CHECK(renewed.client_done.result.status == IoStatus::Ok);
}

TEST_CASE("a session ticket that arrives under other settings is not kept", "[base][tls]") {
  World world;
  Pair before{world};
  SECTION("the owner says that they have changed") {
    world.session.begin_epoch();
  }
  SECTION("the files were renewed, and a connection was made by the new ones") {
    world.renew_authorities();
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    const auto after = world.backend->connect(fds[1], "app.example", world.session);
    ::close(fds[0]);
    ::close(fds[1]);
  }
  CHECK_FALSE(before.client.has_news());  // that is when its tickets are read
  CHECK_FALSE(world.session);
}

TEST_CASE("a session of older files is not resumed by newer ones", "[base][tls]") {
  World world;
  {
    Pair pair{world};
    CHECK_FALSE(pair.client.has_news());
  }
  REQUIRE(world.session);
  world.renew_authorities();
  Pair pair{world};
  CHECK_FALSE(pair.client.tls()->resumed());
}
