// NTLM and Negotiate authenticate a connection: whose it is, and that it works through the proxy.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string get(const std::string& lines = "") {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
std::string challenge(const std::string& lines) {
  return "HTTP/1.1 401 Unauthorized\r\n" + lines + "Content-Length: 0\r\n\r\n";
}

const char* const kServers = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${ONE}", "${TWO}"], keepalive: {idle_timeout: 5s}}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

// Sends a request of `client` on `link`, which it must come to, and its answer back.
Message exchange(Link& client, Link& link, const std::string& request, const std::string& answer) {
  client.send(request);
  link.read_request();
  link.send(answer);
  return client.read_response();
}

}  // namespace

TEST_CASE("a connection on which a client authenticates serves that client alone",
          "[wire][connection_auth]") {
  const std::string lines =
      GENERATE("WWW-Authenticate: NTLM\r\n", "WWW-Authenticate: Negotiate\r\n",
               "www-authenticate:\tntlm\r\n",
               "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: NEGOTIATE abc==\r\n",
               "WWW-Authenticate: Basic realm=\"a, b\",\tnTlM\tTlRM\r\n");
  CAPTURE(lines);
  Backend backend;
  Proxy proxy{backend};
  Link alice = proxy.connect();
  alice.send(get());
  Link hers = backend.accept();
  hers.read_request();
  hers.send(challenge(lines));
  CHECK(alice.read_response().status() == 401);
  // Bob gets a connection of his own, while hers idles and is still hers.
  Link bob = proxy.connect();
  bob.send(get());
  Link his = backend.accept();
  his.read_request();
  his.send(kOk);
  CHECK(bob.read_response().body == "ok");
  CHECK(exchange(alice, hers, get("Authorization: NTLM TlRM\r\n"), challenge(lines)).status() ==
        401);
  CHECK(exchange(alice, hers, get("Authorization: NTLM TlRN\r\n"), kOk).body == "ok");
  CHECK(exchange(alice, hers, get(), kOk).body == "ok");
  CHECK(exchange(bob, his, get(), kOk).body == "ok");
  CHECK(proxy.count(Counter::BackendConnects) == 2);
  // It ends with the client's.
  alice.close();
  CHECK(hers.read_to_end().empty());
}

TEST_CASE("a client that authenticates unasked gets the connection, too",
          "[wire][connection_auth]") {
  Backend backend;
  Proxy proxy{backend};
  Link alice = proxy.connect();
  alice.send(get("Authorization: negotiate YII=\r\n"));
  Link hers = backend.accept();
  hers.read_request();
  hers.send(kOk);
  CHECK(alice.read_response().status() == 200);
  Link bob = proxy.connect();
  bob.send(get());
  Link his = backend.accept();
  his.read_request();
  his.send(kOk);
  CHECK(bob.read_response().body == "ok");
}

TEST_CASE("a realm that is called NTLM keeps no connection from others",
          "[wire][connection_auth]") {
  Backend backend;
  Proxy proxy{backend};
  Link alice = proxy.connect();
  alice.send(get());
  Link link = backend.accept();
  link.read_request();
  link.send(challenge("WWW-Authenticate: Basic realm=\"NTLM\"\r\n"));
  CHECK(alice.read_response().status() == 401);
  Link bob = proxy.connect();
  CHECK(exchange(bob, link, get(), kOk).body == "ok");
}

TEST_CASE("a client goes on at the server on which it authenticated", "[wire][connection_auth]") {
  Backend one, two;
  Proxy proxy{kServers, {{"ONE", one.url()}, {"TWO", two.url()}}};
  Link alice = proxy.connect();
  alice.send(get());
  Link hers = one.accept();
  hers.read_request();
  hers.send(challenge("WWW-Authenticate: NTLM\r\n"));
  CHECK(alice.read_response().status() == 401);
  for (int i = 0; i < 3; ++i) {
    proxy.advance(std::chrono::seconds{10});  // the pool's idle_timeout is not hers
    CHECK(exchange(alice, hers, get(), kOk).body == "ok");
  }
  CHECK_FALSE(two.has_connection());
  SECTION("until that connection ends") {
    hers.close();
    proxy.wait_until("it is noticed", [&] { return proxy.count(Counter::BackendStale) == 1; });
    alice.send(get());
    proxy.wait_until("there is another",
                     [&] { return one.has_connection() || two.has_connection(); });
  }
  SECTION("until a reload takes the server out") {
    proxy.reload(std::string{kServers}.replace(std::string{kServers}.find("\"${ONE}\", "), 10, ""));
    alice.send(get());
    Link other = two.accept();
    other.read_request();
    CHECK(hers.read_to_end().empty());
  }
}

TEST_CASE("bytes on an idle connection of a client's own are never taken for an answer",
          "[wire][connection_auth]") {
  Backend backend;
  Proxy proxy{backend};
  Link alice = proxy.connect();
  alice.send(get());
  Link hers = backend.accept();
  hers.read_request();
  hers.send(challenge("WWW-Authenticate: NTLM\r\n"));
  alice.read_response();
  hers.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray");
  proxy.wait_until("it is dropped", [&] { return proxy.count(Counter::BackendStale) == 1; });
  alice.send(get());
  Link fresh = backend.accept();
  fresh.read_request();
  fresh.send(kOk);
  CHECK(alice.read_response().body == "ok");
}

TEST_CASE("behind a trusted proxy a connection that authenticates is closed after its response",
          "[wire][connection_auth]") {
  Backend backend;
  Proxy proxy{backend, "trusted_proxies: [127.0.0.0/8]"};
  Link front = proxy.connect();
  const bool asked = GENERATE(true, false);
  front.send(get(asked ? "" : "Authorization: NTLM TlRM\r\n"));
  Link link = backend.accept();
  link.read_request();
  link.send(asked ? challenge("WWW-Authenticate: NTLM\r\n") : kOk);
  CHECK(front.read_response().status() == (asked ? 401 : 200));
  CHECK(link.read_to_end().empty());
  front.send(get());
  Link other = backend.accept();
  other.read_request();
  other.send(kOk);
  CHECK(front.read_response().body == "ok");
}

TEST_CASE("a client keeps connections of its own to a few backends, not to any number",
          "[wire][connection_auth]") {
  std::string yaml = "listen: [{address: \"127.0.0.1:0\"}]\nbackends:\n";
  std::string routes = "routes:\n";
  Backend backends[6];
  for (int i = 0; i < 6; ++i) {
    const std::string name = "b" + std::to_string(i);
    yaml += "  " + name + ": {servers: [\"" + backends[i].url() + "\"]}\n";
    routes += "  - {path: /" + name + ", backend: " + name + "}\n";
  }
  Proxy proxy{yaml + routes + "session: {secrets: [{env: SESSION_KEY}]}\n", Proxy::Variables{}};
  Link alice = proxy.connect();
  std::vector<Link> links;
  for (int i = 0; i < 6; ++i) {
    alice.send("GET /b" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    links.push_back(backends[i].accept());
    links.back().read_request();
    links.back().send(challenge("WWW-Authenticate: NTLM\r\n"));
    CHECK(alice.read_response().status() == 401);
  }
  CHECK(links[0].read_to_end().empty());
  CHECK(links[1].read_to_end().empty());
  CHECK_FALSE(links[2].readable());
}
