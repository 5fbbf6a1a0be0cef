// Backends that speak TLS, as the bytes (and ends of bytes) of real links show it.

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A proxy in front of a backend that speaks TLS.
struct Back {
  explicit Back(const std::string& tls = "ca: \"${CA}\", server_name: app.example")
      : pair(files.make("server", {"app.example"})) {
    const std::string url = "https://127.0.0.1:" + std::to_string(backend.port());
    proxy = std::make_unique<Proxy>(
        "listen: [{address: \"127.0.0.1:0\"}]\n"
        "backends: {app: {servers: [\"" +
            url + "\"], tls: {" + tls + "}}}\n" +
            "routes: [{path: \"/*\", backend: app}]\n"
            "session: {secrets: [{env: SESSION_KEY}]}\n",
        Proxy::Variables{{"CA", files.authority()}});
  }
  TlsEnd::Options options() const {
    TlsEnd::Options out;
    out.server = true;
    out.own = pair;
    return out;
  }
  Certificates files;
  Certificates::Pair pair;
  Backend backend;
  std::unique_ptr<Proxy> proxy;
};

struct Served {
  Served(Back& back, const TlsEnd::Options& options)
      : link(back.backend.accept()), tls(link.fd(), options) {
    good = tls.handshake(why);
  }
  explicit Served(Back& back) : Served(back, back.options()) { REQUIRE(good); }
  Link link;
  TlsEnd tls;
  std::string why;
  bool good = false;
};

}  // namespace

TEST_CASE("requests go to an https backend and its link is kept", "[wire][tls]") {
  Back back;
  Link client = back.proxy->connect();
  client.send(kGet);
  Served served{back};
  for (int i = 0; i < 3; ++i) {
    CHECK(served.tls.receive_until("\r\n\r\n").find("X-Forwarded-Proto: http\r\n") !=
          std::string::npos);
    REQUIRE(served.tls.send(kOk));
    CHECK(client.read_response().body == "ok");
    if (i < 2) {
      // a POST asks whether the link is stale: the tickets that came meanwhile are no news
      client.send(i == 0 ? kGet
                         : "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\n\r\n");
    }
  }
  CHECK(back.proxy->count(Counter::BackendConnects) == 1);
  CHECK(back.proxy->count(Counter::BackendTlsHandshakes) == 1);
  CHECK(back.proxy->count(Counter::BackendStale) == 0);
}

TEST_CASE("bytes on an idle https link are never taken for an answer", "[wire][tls]") {
  Back back;
  Link client = back.proxy->connect();
  client.send(kGet);
  Served served{back};
  served.tls.receive_until("\r\n\r\n");
  REQUIRE(served.tls.send(kOk));
  CHECK(client.read_response().body == "ok");
  REQUIRE(served.tls.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"));
  back.proxy->wait_until("the link is dropped",
                         [&] { return back.proxy->count(Counter::BackendStale) == 1; });
  client.send(kGet);
  Served second{back};
  second.tls.receive_until("\r\n\r\n");
  REQUIRE(second.tls.send(kOk));
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a body until the end that a backend breaks off without close_notify is truncated",
          "[wire][tls]") {
  Back back;
  const bool said = GENERATE(true, false);
  Link client = back.proxy->connect();
  client.send("GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n");
  Served served{back};
  served.tls.receive_until("\r\n\r\n");
  REQUIRE(served.tls.send("HTTP/1.1 200 OK\r\n\r\nhalf of it"));
  if (said) {
    served.tls.say_end();
  }
  served.link.close();
  const Link::Rest rest = client.read_rest();
  CHECK(rest.bytes.ends_with("0\r\n\r\n") == said);
  CHECK_FALSE(rest.reset);  // the last chunk is missing
}

TEST_CASE("a backend that cannot be believed is a 502 with the reason in the log", "[wire][tls]") {
  const auto ask = [](Back& back, const TlsEnd::Options& options) {
    Link client = back.proxy->connect();
    client.send(kGet);
    while (!client.readable(std::chrono::milliseconds{5})) {
      if (back.backend.has_connection(std::chrono::milliseconds{5})) {
        const Served served{back, options};
      }
    }
    const Message answer = client.read_response();
    CHECK(answer.status() == 502);
    CHECK(answer.body.find("certificate") == std::string::npos);
    CHECK(back.proxy->count(Counter::BackendTlsFailures) > 0);
    return back.proxy->log();
  };
  SECTION("wrong name") {
    Back back{"ca: \"${CA}\", server_name: other.example"};
    CHECK(ask(back, back.options()).find("TLS: hostname mismatch") != std::string::npos);
  }
  SECTION("expired") {
    Back back;
    TlsEnd::Options options = back.options();
    options.own = back.files.make("expired", {"app.example"}, -30, -1);
    CHECK(ask(back, options).find("TLS: certificate has expired") != std::string::npos);
  }
  SECTION("self-signed") {
    Back back;
    const Certificates others;
    Back other{"server_name: app.example"};  // the system's authorities
    CHECK(ask(other, other.options()).find("TLS: unable to get local issuer certificate") !=
          std::string::npos);
  }
}

TEST_CASE("verify: false takes whoever answers, and counts it", "[wire][tls]") {
  Back back{"verify: false"};
  Link client = back.proxy->connect();
  client.send(kGet);
  Served served{back};
  served.tls.receive_until("\r\n\r\n");
  REQUIRE(served.tls.send(kOk));
  CHECK(client.read_response().body == "ok");
  CHECK(back.proxy->count(Counter::BackendTlsUnverified) == 1);
}

TEST_CASE("plain text from an https backend is refused, also before the handshake", "[wire][tls]") {
  Back back;
  Link client = back.proxy->connect();
  client.send(kGet);
  while (!client.readable(std::chrono::milliseconds{5})) {
    if (back.backend.has_connection(std::chrono::milliseconds{5})) {
      Link link = back.backend.accept();
      link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      link.read_rest();
    }
  }
  CHECK(client.read_response().status() == 502);
  CHECK(back.proxy->log().find("wrong version number") != std::string::npos);
}

TEST_CASE("the handshake with a backend counts within timeouts.connect", "[wire][tls]") {
  Back back;
  Link client = back.proxy->connect();
  client.send(kGet);
  const Link silent = back.backend.accept();
  back.proxy->advance_until(std::chrono::milliseconds{250},
                            [&] { return client.readable() || back.backend.has_connection(); });
  const auto took =
      back.proxy->advance_until(std::chrono::milliseconds{250}, [&] { return client.readable(); });
  CHECK(client.read_response().status() == 504);
  CHECK(took <= std::chrono::seconds{4});
}

TEST_CASE("a backend gets the certificate that is configured for it", "[wire][tls]") {
  Certificates files;
  const Certificates::Pair own = files.make("client", {"keepsake"});
  Back back{"ca: \"${CA}\", server_name: app.example, certificate: " + own.certificate +
            ", key: " + own.key};
  TlsEnd::Options options = back.options();
  options.authority = files.authority();
  Link client = back.proxy->connect();
  client.send(kGet);
  Served served{back, options};
  REQUIRE(served.good);
  served.tls.receive_until("\r\n\r\n");
  REQUIRE(served.tls.send(kOk));
  CHECK(client.read_response().body == "ok");
}
