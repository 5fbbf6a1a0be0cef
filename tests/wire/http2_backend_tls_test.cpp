// How a connection to a backend of HTTP/2 comes about: ALPN, health checks, unix sockets.

#include <openssl/ssl.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "wire/http2_backend_world.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;
namespace h2 = keepsake::test::http2;

namespace {

// A server that chooses this protocol if it is offered; null: it knows nothing of ALPN.
struct TlsServer {
  TlsServer(Backend& backend, const Certificates::Pair& pair, const char* protocol)
      : link(backend.accept()), tls(link.fd(), options(pair)), chosen(protocol) {
    if (protocol != nullptr) {
      SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(static_cast<SSL*>(tls.raw())), choose, this);
    }
    ::signal(SIGPIPE, SIG_IGN);  // its tickets may come after the end
    std::string why;
    good = tls.handshake(why);
  }
  static TlsEnd::Options options(const Certificates::Pair& pair) {
    TlsEnd::Options made;
    made.server = true;
    made.own = pair;
    return made;
  }
  static int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned in_size, void* self) {
    auto& server = *static_cast<TlsServer*>(self);
    server.offered.assign(reinterpret_cast<const char*>(in), in_size);
    const std::string_view offer = server.offered;
    const std::size_t at = offer.find(server.chosen);
    if (at == std::string_view::npos) {
      return SSL_TLSEXT_ERR_NOACK;
    }
    *out = in + at;
    *size = static_cast<unsigned char>(std::string_view{server.chosen}.size());
    return SSL_TLSEXT_ERR_OK;
  }

  Link link;
  TlsEnd tls;
  const char* chosen;
  std::string offered;
  bool good = false;
};

struct TlsWorld {
  TlsWorld() : pair(files.make("server", {"app.example"})) {
    const std::string url = "https://127.0.0.1:" + std::to_string(backend.port());
    proxy = std::make_unique<Proxy>(
        "listen: [{address: \"127.0.0.1:0\"}]\n"
        "backends: {app: {servers: [\"" +
            url +
            "\"], http2: true, tls: {ca: \"${CA}\", server_name: app.example}}}\n"
            "routes: [{path: \"/*\", backend: app}]\n"
            "session: {secrets: [{env: SESSION_KEY}]}\n",
        Proxy::Variables{{"CA", files.authority()}});
  }
  Certificates files;
  Certificates::Pair pair;
  Backend backend;
  std::unique_ptr<Proxy> proxy;
};

}  // namespace

TEST_CASE("HTTP/2 over TLS is asked for by ALPN, and nothing else",
          "[wire][http2_backend][http1]") {
  TlsWorld world;
  Link client = world.proxy->connect();
  client.send(get("/"));
  TlsServer server{world.backend, world.pair, "h2"};
  REQUIRE(server.good);
  CHECK(server.offered == "\x02h2");
  server.tls.send(h2::settings() + h2::settings_ack());
  h2::Reader reader;
  std::string bytes;
  while (bytes.size() < h2::kPreface.size()) {
    bytes += server.tls.receive(1000);
  }
  reader.feed(bytes.substr(h2::kPreface.size()));
  std::optional<h2::Frame> head;
  while (!head) {
    while (const std::optional<h2::Frame> frame = reader.next()) {
      if (frame->type == h2::kHeaders) {
        head = frame;
      }
    }
    if (!head) {
      reader.feed(server.tls.receive(1000));
    }
  }
  CHECK(h2::value_of(reader.decode(*head), ":scheme") == "https");
  server.tls.send(h2::headers(head->stream, {{":status", "200"}}, false) +
                  h2::data(head->stream, "ok"));
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("an https server that does not choose h2 is an error that names the key",
          "[wire][http2_backend][http1]") {
  const char* const protocol = GENERATE(static_cast<const char*>(nullptr), "http/1.1");
  TlsWorld world;
  Link client = world.proxy->connect();
  client.send(get("/"));
  const TlsServer server{world.backend, world.pair, protocol};
  CHECK(client.read_response().status() == 502);
  CHECK(world.proxy->log().find("does not choose h2 (ALPN): backends.app.http2 is true") !=
        std::string::npos);
}

TEST_CASE("health checks of a backend with http2 go over HTTP/2", "[wire][http2_backend][http1]") {
  Http2World world{"",
                   ", health_check: {path: /up, interval: 1s, timeout: 500ms, healthy: 1, "
                   "unhealthy: 2}"};
  const auto check = [&world](const char* status) {
    Http2Server server = world.accept();
    const std::uint32_t stream = server.accept();
    CHECK(server.at(stream).path() == "/up");
    CHECK(server.at(stream).value("user-agent") == "keepsake-health-check");
    CHECK(server.at(stream).value("connection") == "(none)");
    server.send(h2::headers(stream, {{":status", "103"}}, false) +
                h2::headers(stream, {{":status", status}}));
  };
  check("200");
  world.proxy.advance(1s);
  check("503");
  world.proxy.advance(1s);
  check("503");
  world.proxy.wait_until("it is ill", [&] { return world.proxy.ill_servers() == 1; });
  CHECK(world.proxy.log().find("it answered 503") != std::string::npos);
  world.proxy.advance(1s);
  check("204");
  world.proxy.wait_until("it is well", [&] { return world.proxy.ill_servers() == 0; });
  world.proxy.advance(1s);
  {
    Link link = world.backend.accept();
    link.read_exactly(24);
    link.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    link.read_rest();
  }
  world.proxy.advance(1s);
  {
    Link link = world.backend.accept();
    link.read_exactly(24);
    link.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    link.read_rest();
  }
  world.proxy.wait_until("it is ill", [&] { return world.proxy.ill_servers() == 1; });
  CHECK(world.proxy.log().find("it speaks no HTTP/2") != std::string::npos);
}

TEST_CASE("HTTP/2 goes over a unix socket", "[wire][http2_backend][http1]") {
  const std::string path = "/tmp/keepsake-http2-" + std::to_string(::getpid()) + ".sock";
  Backend backend{path};
  std::string yaml = kHttp2Backend;
  Proxy proxy{yaml, {{"BACKEND", "unix:" + path}}};
  Link client = proxy.connect();
  client.send(get("/"));
  Http2Server server{backend.accept()};
  const std::uint32_t stream = server.accept();
  server.answer(stream, "ok");
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a reload changes the protocol to a backend", "[wire][http2_backend][http1]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  server.answer(server.accept(), "two");
  CHECK(client.read_response().body == "two");
  std::string yaml = kHttp2Backend;
  yaml.replace(yaml.find("http2: true"), 11, "http2: false");
  world.proxy.reload(yaml);
  server.until([&] { return server.went_away(); });
  client.send(get("/"));
  Link one = world.backend.accept();
  CHECK(one.read_request().start_line() == "GET / HTTP/1.1");
  one.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  CHECK(client.read_response().body == "one");
}
