// HTTP/2 over TLS: what ALPN chooses, and what is spoken then.

#include <openssl/ssl.h>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/http2.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {

// A listener with TLS in front of a plain backend.
struct Front {
  explicit Front(const std::string& more = "") : pair(files.make("server", {"app.example"})) {
    const std::string yaml =
        "listen: [{address: \"127.0.0.1:0\", tls: {certificate: " + pair.certificate +
        ", key: " + pair.key + "}" + more + "}]\n" + R"(
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";
    proxy = std::make_unique<Proxy>(yaml, Proxy::Variables{{"BACKEND", backend.url()}});
  }
  Certificates files;
  Certificates::Pair pair;
  Backend backend;
  std::unique_ptr<Proxy> proxy;
};

// A client that offers these protocols, each behind its length.
struct Client {
  Client(const Front& front, std::string_view offer)
      : link(front.proxy->connect()), tls(link.fd(), options_for(front)) {
    auto* ssl = static_cast<SSL*>(tls.raw());
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
    std::string why;
    good = tls.handshake(why);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    protocol.assign(reinterpret_cast<const char*>(name), size);
  }
  static TlsEnd::Options options_for(const Front& front) {
    TlsEnd::Options options;
    options.authority = front.files.authority();
    options.name = "app.example";
    return options;
  }
  Link link;
  TlsEnd tls;
  bool good = false;
  std::string protocol;
};

constexpr std::string_view kBoth{"\x08http/1.1\x02h2"};
constexpr std::string_view kHttp1{"\x08http/1.1"};
constexpr std::string_view kHttp2{"\x02h2"};

}  // namespace

TEST_CASE("ALPN chooses HTTP/2 before HTTP/1.1, and nothing else", "[wire][http2][tls]") {
  Front front;
  CHECK(Client(front, kBoth).protocol == "h2");
  CHECK(Client(front, kHttp2).protocol == "h2");
  CHECK(Client(front, kHttp1).protocol == "http/1.1");
  CHECK_FALSE(Client(front, "\x03spd").good);
  const Client silent{front, ""};
  CHECK(silent.good);
  CHECK(silent.protocol.empty());
}

TEST_CASE("a listener with http2: false does not choose HTTP/2", "[wire][http2][tls]") {
  Front front{", http2: false"};
  CHECK(Client(front, kBoth).protocol == "http/1.1");
  CHECK_FALSE(Client(front, kHttp2).good);
}

TEST_CASE("a request over TLS and HTTP/2 is https to the backend", "[wire][http2][tls]") {
  Front front;
  Client client{front, kBoth};
  REQUIRE(client.tls.send(h2::opening() + h2::headers(1, h2::get())));
  Link link = front.backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("X-Forwarded-Proto") == "https");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.tls.receive_until("ok").ends_with("ok"));
}

TEST_CASE("after ALPN chose HTTP/2 anything but its preface ends the connection",
          "[wire][http2][tls]") {
  Front front;
  Client client{front, kHttp2};
  REQUIRE(client.tls.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string answer = client.tls.receive_until("never");
  CHECK(answer.find("HTTP/1") == std::string::npos);
  CHECK_FALSE(front.backend.has_connection());
}

TEST_CASE("HTTP/2 in clear text at a listener with TLS is refused", "[wire][http2][tls]") {
  Front front;
  Link client = front.proxy->connect();
  client.send(h2::opening() + h2::headers(1, h2::get()));
  CHECK(client.read_response().status() == 505);
  CHECK_FALSE(front.backend.has_connection());
}
