// Slow and silent peers: every timeout, shown by turning the clock. In each test all other timeouts
// are an hour, so that what happens is the one it names.

#include <sys/socket.h>

#include "support/catch.hpp"
#include "wire/full_way.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// All an hour but `name`, which is ten seconds.
std::string only(const std::string& name) {
  std::string text = "timeouts: {";
  for (const std::string key : {"header", "body", "idle", "response", "write"}) {
    text += key + (key == name ? ": 10s, " : ": 1h, ");
  }
  return text + "connect: 1h}\n";
}

}  // namespace

TEST_CASE("a head that drips is 408 when its whole time is over", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("header")};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  // A byte now and then is progress, and does not help.
  const auto took = proxy.advance_until(seconds{1}, [&] {
    client.send("X");
    return client.readable();
  });
  CHECK(took >= seconds{10});
  CHECK(client.read_response().status() == 408);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a client that never says anything is closed without a word", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("header")};
  Link client = proxy.connect();
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a body that stops is 408 and the backend does not get half of it", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("body")};
  const bool chunked = GENERATE(false, true);
  Link client = proxy.connect();
  client.send(post(chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 10\r\n",
                   chunked ? "5\r\nhello\r\n" : "hello"));
  Link link = backend.accept();
  link.read_until("hello");
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 408);
  CHECK(client.read_to_end().empty());
  CHECK(link.read_rest().bytes.find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("a form that stops is 408", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("body")};
  Link client = proxy.connect();
  client.send(
      "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname");
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 408);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a body that goes on slowly is fine", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("body")};
  Link client = proxy.connect();
  client.send(post("Content-Length: 10\r\n"));
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    client.send("x");
    REQUIRE(link.read_exactly(1) == "x");
    proxy.advance(seconds{9});
  }
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("an idle connection is closed without a word", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("idle")};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_to_end().empty());
}

TEST_CASE("the first byte of a request ends the idle time", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("idle")};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  // One byte, and a request elsewhere: when that one is answered this byte has been read.
  client.send("G");
  Link other = proxy.connect();
  other.send(kGet);
  link.read_request();
  proxy.advance(seconds{600});
  link.send(kOk);
  CHECK(other.read_response().body == "ok");
  client.send(std::string_view{kGet}.substr(1));
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a backend that does not answer in time is a gateway timeout", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("response")};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 504);
  link.read_rest();
  // the client's connection is as good as before
  client.send(kGet);
  Link fresh = backend.accept();
  fresh.read_request();
  fresh.send(kOk);
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("the backend's time to answer begins when it has the whole request", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("response")};
  const bool chunked = GENERATE(false, true);
  Link client = proxy.connect();
  client.send(post(chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 3\r\n"));
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    proxy.advance(seconds{600});
    client.send(chunked ? "1\r\nx\r\n" : "x");
    link.read_until("x");
  }
  if (chunked) {
    proxy.advance(seconds{600});
    client.send("0\r\n\r\n");
    link.read_until("0\r\n\r\n");
  }
  SECTION("it answers") {
    link.send(kOk);
    CHECK(client.read_response().body == "ok");
  }
  SECTION("it does not") {
    CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
    CHECK(client.read_response().status() == 504);
  }
}

TEST_CASE("a backend that stops in its body is cut off, and one that drips is not",
          "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("response")};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
  client.read_until("\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    link.send("data: x\n\n");
    client.read_until("data: x\n\n\r\n");
    proxy.advance(seconds{9});
  }
  proxy.advance_until(seconds{1}, [&] { return client.readable(); });
  const Link::Rest rest = client.read_rest();
  CHECK(rest.bytes.find("0\r\n\r\n") == std::string::npos);
  link.read_rest();
}

TEST_CASE("a client that stops reading is cut off", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("write")};
  Link client = proxy.connect(4096);
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  proxy.wait_until("the proxy takes no more", [&] { return fills(link); });
  CHECK(proxy.advance_until(seconds{1}, [&] { return proxy.connections() == 0; }) >= seconds{10});
  CHECK(client.read_rest().reset);
  CHECK(proxy.count(Counter::ConnectionsOpen) == 0);
}

TEST_CASE("a backend that stops taking a body is a gateway timeout", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("write") + "limits: {body: 1GiB}\n"};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  Link link = backend.accept();
  proxy.wait_until("the proxy takes no more", [&] { return fills(client); });
  const auto took = proxy.advance_until(seconds{1}, [&] {
    send_what_fits(client);
    return client.readable();
  });
  CHECK(took >= seconds{10});
  CHECK(client.read_response().status() == 504);
}

TEST_CASE("a backend that does not accept in time is a gateway timeout", "[wire][timeouts]") {
  // A full queue of a listener that never accepts: the kernel leaves further connections
  // unanswered.
  FullBackend backend;
  Proxy proxy{std::string{kTutorial} + "timeouts: {connect: 10s, header: 1h, response: 1h}\n",
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(kGet);
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 504);
}

TEST_CASE("idle backend connections are closed at their own timeout", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"], keepalive: {idle: 2, idle_timeout: "
      "10s}}}\nroutes: [{path: \"/*\", backend: app}]\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  client.read_response();
  CHECK(proxy.advance_until(seconds{1}, [&] { return link.readable(); }) >= seconds{10});
  CHECK(link.read_rest().bytes.empty());
}

TEST_CASE("a client that reads slowly but steadily is served", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("write")};
  Link client = proxy.connect(4096);
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  proxy.wait_until("the proxy takes no more", [&] { return fills(link); });
  for (int i = 0; i < 8; ++i) {
    client.read_exactly(20'000);
    send_what_fits(link);
    proxy.advance(seconds{9});
    REQUIRE(proxy.connections() == 1);
  }
  CHECK(proxy.advance_until(seconds{1}, [&] { return proxy.connections() == 0; }) >= seconds{1});
  CHECK(client.read_rest().reset);
}

TEST_CASE("a backend that takes a body slowly but steadily is given it", "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("write") + "limits: {body: 1GiB}\n"};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  proxy.wait_until("the proxy takes no more", [&] { return fills(client); });
  for (int i = 0; i < 8; ++i) {
    // Enough for the kernel to open the backend's window: a sixteenth of a receive buffer of 6 MiB.
    link.read_exactly(600'000);
    send_what_fits(client);
    proxy.advance(seconds{9});
    REQUIRE_FALSE(client.readable());
  }
  proxy.advance_until(seconds{1}, [&] {
    send_what_fits(client);  // else the proxy might wait for the client in the end
    return client.readable();
  });
  CHECK(client.read_response().status() == 504);
}

TEST_CASE("a backend has its time to answer once it has taken what the kernel holds of an upload",
          "[wire][timeouts]") {
  Backend backend;
  Proxy proxy{backend, only("response") + "limits: {body: 1GiB}\n"};
  Link client = proxy.connect();
  const std::size_t size = 1'500'000;
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  const int small = 16'384;  // else the backend's kernel accepts all of it at once
  REQUIRE(::setsockopt(link.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
  const std::string body(size, 'x');
  std::size_t sent = 0;
  std::size_t received = 0;
  while (sent < size) {
    sent += client.send_some(std::string_view{body}.substr(sent));
    if (sent < size && !client.writable(std::chrono::milliseconds{50})) {
      received += link.read_exactly(100'000).size();
    }
  }
  while (size - received > 200'000) {
    received += link.read_exactly(100'000).size();
    proxy.advance(seconds{9});
    REQUIRE_FALSE(client.readable());
  }
  link.read_exactly(size - received);
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{1});
  CHECK(client.read_response().status() == 504);
}
