// A listener with TLS, as the bytes (and ends of bytes) of real links show it.

#include <thread>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A listener with TLS in front of a plain backend.
struct Front {
  explicit Front(const std::string& more_tls = "", const std::string& more = "")
      : pair(files.make("server", {"app.example"})) {
    proxy = std::make_unique<Proxy>(
        yaml(more_tls, more),
        Proxy::Variables{{"BACKEND", backend.url()}, {"CA", files.authority()}});
  }
  std::string yaml(const std::string& more_tls, const std::string& more = "") const {
    return "listen: [{address: \"127.0.0.1:0\", tls: {certificate: " + pair.certificate +
           ", key: " + pair.key + more_tls + "}}]\n" +
           R"(backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
)" + more;
  }
  TlsEnd::Options options() const {
    TlsEnd::Options out;
    out.authority = files.authority();
    out.name = "app.example";
    return out;
  }
  Certificates files;
  Certificates::Pair pair;
  Backend backend;
  std::unique_ptr<Proxy> proxy;
};

struct Client {
  Client(const Front& front, const TlsEnd::Options& options)
      : link(front.proxy->connect()), tls(link.fd(), options) {
    good = tls.handshake(why);
  }
  explicit Client(const Front& front) : Client(front, front.options()) { REQUIRE(good); }
  Link link;
  TlsEnd tls;
  std::string why;
  bool good = false;
};

}  // namespace

TEST_CASE("requests over TLS are https to the backend and to the cookie", "[wire][tls]") {
  Front front;
  Client client{front};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.tls.send(kGet));
    static Link link;
    if (i == 0) {
      link = front.backend.accept();
    }
    CHECK(link.read_request().value("X-Forwarded-Proto") == "https");
    link.send(kOk);
    CHECK(client.tls.receive_until("\r\n\r\nok").find("HTTP/1.1 200 OK") == 0);
    if (i == 2) {
      link.close();
    }
  }
  REQUIRE(
      client.tls.send("POST /setName HTTP/1.1\r\nHost: app.example\r\nContent-Length: "
                      "8\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname=Ann"));
  const std::string answer = client.tls.receive_until("\r\n\r\n");
  CHECK(answer.find("HTTP/1.1 303") == 0);
  CHECK(answer.find("; Secure") != std::string::npos);
  CHECK(front.proxy->count(Counter::TlsHandshakes) == 1);
  CHECK(front.proxy->count(Counter::TlsHandshakeFailures) == 0);
}

TEST_CASE("a mebibyte passes in both directions", "[wire][tls]") {
  Front front;
  Client client{front};
  std::string body;
  while (body.size() < (1U << 20U)) {
    body += std::to_string(body.size()) + ",";
  }
  const std::string size = std::to_string(body.size());
  std::string echoed;
  std::thread backend([&] {
    Link link = front.backend.accept();
    const Message request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
    link.send(request.body);
    link.read_rest();
  });
  CHECK(
      client.tls.send("POST / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n"
                      "Content-Length: " +
                      size + "\r\n\r\n" + body));
  const std::string answer = client.tls.receive_until("\r\n\r\n\r\n\r\n");  // never: to the end
  CHECK(client.tls.ending() == "close_notify");
  CHECK((answer.substr(answer.find("\r\n\r\n") + 4) == body));
  front.proxy->cut();
  backend.join();
}

TEST_CASE("a truncated response never ends with close_notify", "[wire][tls]") {
  Front front;
  Client client{front};
  const bool whole = GENERATE(true, false);
  const std::string version = GENERATE("1.0", "1.1");
  REQUIRE(client.tls.send("GET / HTTP/" + version +
                          "\r\nHost: app.example\r\nConnection: close\r\n\r\n"));
  Link link = front.backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  if (whole) {
    link.send("0\r\n\r\n");
  } else {
    link.close();
  }
  const std::string answer = client.tls.receive_until("never");
  if (whole) {
    CHECK(answer.ends_with(version == "1.0" ? "hello" : "5\r\nhello\r\n0\r\n\r\n"));
    CHECK(client.tls.ending() == "close_notify");
  } else {
    CHECK(answer.ends_with(version == "1.0" ? "hello" : "5\r\nhello\r\n"));
    CHECK(client.tls.ending() != "close_notify");
  }
}

TEST_CASE("a handshake that does not end is given up, not before its deadline", "[wire][tls]") {
  Front front;
  Link client = front.proxy->connect();
  client.send(std::string{"\x16\x03\x01\x02", 4});  // the head of a record, not all of it
  front.proxy->wait_until("it is there",
                          [&] { return front.proxy->count(Counter::ConnectionsOpen) == 1; });
  const auto took = front.proxy->advance_until(std::chrono::milliseconds{250}, [&] {
    return front.proxy->count(Counter::TlsHandshakeFailures) == 1;
  });
  CHECK(took >= std::chrono::seconds{10});
  CHECK(client.read_rest().bytes.empty());
}

TEST_CASE("more handshakes than limits.handshakes are closed at once", "[wire][tls]") {
  Front front{"", "limits: {handshakes: 1}\n"};
  Link slow = front.proxy->connect();
  slow.send("\x16");
  front.proxy->wait_until("the first is there",
                          [&] { return front.proxy->count(Counter::ConnectionsOpen) == 1; });
  Link refused = front.proxy->connect();
  CHECK(refused.read_rest().bytes.empty());
  CHECK(front.proxy->count(Counter::TlsHandshakesRefused) == 1);
  CHECK(front.proxy->log().find("connections are refused: limits.handshakes (1) are in progress") !=
        std::string::npos);
  slow.close();
  front.proxy->wait_until("the first is gone",
                          [&] { return front.proxy->count(Counter::ConnectionsOpen) == 0; });
  const Client served{front};
}

TEST_CASE("plain HTTP at a TLS listener is 400 and says that this is https", "[wire][tls]") {
  Front front;
  Link client = front.proxy->connect();
  client.send(kGet);
  const Message response = client.read_response();
  CHECK(response.status() == 400);
  CHECK(response.value("Connection") == "close");
  CHECK(response.body.find("https") != std::string::npos);
  CHECK(client.read_to_end().empty());
  CHECK(front.proxy->count(Counter::TlsHandshakeFailures) == 1);
}

TEST_CASE("a WebSocket tunnels through TLS", "[wire][tls]") {
  Front front;
  Client client{front};
  REQUIRE(
      client.tls.send("GET / HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: "
                      "websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"));
  Link link = front.backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: y\r\n\r\nfirst");
  CHECK(client.tls.receive_until("first").find("HTTP/1.1 101") == 0);
  REQUIRE(client.tls.send("up"));
  CHECK(link.read_exactly(2) == "up");
  link.send("down");
  CHECK(client.tls.receive_until("down") == "down");
  client.tls.say_end();
  CHECK(link.read_to_end().empty());
  link.close();
  client.tls.receive_until("never");
  CHECK(client.tls.ending() == "close_notify");
}

TEST_CASE("an idle TLS connection gives up its memory and is there for the next request",
          "[wire][tls]") {
  Front front;
  Client client{front};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(client.tls.send(kGet));
    Link link = front.backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.tls.receive_until("\r\n\r\nok").find("HTTP/1.1 200 OK") == 0);
    front.proxy->advance(std::chrono::seconds{1});
    front.proxy->advance(std::chrono::seconds{1});
    front.proxy->advance(std::chrono::seconds{1});
  }
}

TEST_CASE("the subject of a certificate goes by the name that a reload gives its header",
          "[wire][tls][reload]") {
  Front front{", client_ca: \"${CA}\""};
  TlsEnd::Options options = front.options();
  options.own = front.files.make("client", {"Ann"});
  Client client{front, options};
  REQUIRE(client.good);
  const auto seen = [&] {
    REQUIRE(client.tls.send(
        "GET / HTTP/1.1\r\nHost: app.example\r\nX-Client-Subject: CN=root\r\nX-Who: CN=root\r\n"
        "\r\n"));
    Link link = front.backend.accept();
    const Message request = link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(client.tls.receive_until("\r\n\r\nok").find("HTTP/1.1 200 OK") == 0);
    return request;
  };
  CHECK(seen().value("X-Client-Subject") == "CN=Ann");
  front.proxy->reload(front.yaml(", client_ca: \"${CA}\", client_subject_header: X-Who"));
  CHECK(seen().value("X-Who") == "CN=Ann");
  front.proxy->reload(front.yaml(""));
  CHECK(seen().head.find("Ann") == std::string::npos);
}

TEST_CASE("a verified client certificate is told to the backend, and nobody else can tell it",
          "[wire][tls]") {
  const bool required = GENERATE(true, false);
  Front front{std::string{", client_ca: \"${CA}\", client_certificate: "} +
              (required ? "required" : "optional")};
  TlsEnd::Options options = front.options();
  const std::string forged =
      "GET / HTTP/1.1\r\nHost: app.example\r\nX-Client-Subject: CN=root\r\n"
      "x_client.subject: CN=root\r\nConnection: close, X-Client-Subject\r\n\r\n";
  SECTION("none") {
    options.max_version =
        0x0303;  // in 1.3 the client learns of the refusal only with its first read
    Client client{front, options};
    CHECK(client.good == !required);
    if (!required) {
      REQUIRE(client.tls.send(forged));
      const Message request = front.backend.accept().read_request();
      CHECK(request.head.find("root") == std::string::npos);
      CHECK_FALSE(request.has("X-Client-Subject"));
    }
  }
  SECTION("signed by the authority") {
    options.own = front.files.make("client", {"Ann Ö, \"chief\" 50%"});
    Client client{front, options};
    REQUIRE(client.tls.send(forged));
    const Message request = front.backend.accept().read_request();
    CHECK(request.head.find("root") == std::string::npos);
    CHECK(request.value("X-Client-Subject") == "CN=Ann %C3%96\\, \\\"chief\\\" 50%25");
  }
  SECTION("signed by another") {
    Certificates others;
    options.own = others.make("client", {"Eve"});
    options.max_version = 0x0303;
    const Client client{front, options};
    CHECK_FALSE(client.good);
    front.proxy->wait_until("it is counted",
                            [&] { return front.proxy->count(Counter::TlsHandshakeFailures) == 1; });
  }
}

TEST_CASE("redirect_to_https answers every request itself", "[wire][tls]") {
  Backend backend;
  const std::string port = GENERATE("true", "8443");
  Proxy proxy{"listen: [{address: \"127.0.0.1:0\", redirect_to_https: " + port + "}]\n" +
                  R"(backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  const std::string host = port == "true" ? "https://app.example" : "https://app.example:8443";
  Link client = proxy.connect();
  client.send("GET /a/../b%2f?q=1&r HTTP/1.1\r\nHost: APP.example:8080\r\n\r\n");
  const Message moved = client.read_response();
  CHECK(moved.status() == 308);
  CHECK(moved.value("Location") == host + "/a/../b%2f?q=1&r");
  CHECK_FALSE(moved.has("Set-Cookie"));
  CHECK_FALSE(moved.has("Vary"));
  client.send("POST /setName HTTP/1.1\r\nHost: app.example\r\nContent-Length: 4\r\n\r\nname");
  CHECK(client.read_response().value("Location") == host + "/setName");
  CHECK(proxy.ask("GET http://app.example/?x HTTP/1.1\r\nHost: app.example\r\n\r\n")
            .value("Location") == host + "/?x");
  CHECK(proxy.ask("GET / HTTP/1.0\r\n\r\n").status() == 400);
  CHECK(proxy.ask("GET / HTTP/1.1\r\n\r\n").status() == 400);
  CHECK(proxy.ask("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").status() == 400);
  CHECK_FALSE(backend.has_connection());
}
