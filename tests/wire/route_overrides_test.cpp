// What a route changes of the limits and timeouts, and only there. All timeouts are an hour but the
// one of the route, which is ten seconds.

#include "support/catch.hpp"
#include "wire/full_way.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using std::chrono::seconds;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string with_routes(const std::string& routes) {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "backends: {app: {servers: [\"${BACKEND}\"], retry: {attempts: 1}}}\n"
         "limits: {body: 1KiB, form: 100B}\n"
         "timeouts: {header: 1h, body: 1h, idle: 1h, connect: 1h, response: 1h, write: 1h}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n"
         "routes:\n" +
         routes;
}

std::string to(const std::string& path, const std::string& lines, const std::string& body = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + body;
}

std::string sized(std::size_t size) {
  return "Content-Length: " + std::to_string(size) + "\r\n";
}

const std::string kBodies = with_routes(
    "  - {path: /large, backend: app, limits: {body: 1MiB}}\n"
    "  - {path: /small, backend: app, limits: {body: 10B}}\n"
    "  - {path: \"/*\", backend: app}\n");

// Sends the request and says whether the backend got all of its body.
bool arrives(const Proxy& proxy, Backend& backend, const std::string& request,
             const std::string& body) {
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  const bool whole = link.read_request().body == body;
  link.send(kOk);
  link.shutdown_write();
  return whole && client.read_response().body == "ok";
}

}  // namespace

TEST_CASE("a route allows a larger or a smaller body than the others", "[wire][route]") {
  Backend backend;
  Proxy proxy{kBodies, {{"BACKEND", backend.url()}}};
  const std::string large(500'000, 'x');
  CHECK(arrives(proxy, backend, to("/large", sized(large.size()), large), large));
  CHECK(arrives(proxy, backend, to("/small", sized(10), "0123456789"), "0123456789"));
  CHECK(arrives(proxy, backend, to("/other", sized(1024), large.substr(0, 1024)),
                large.substr(0, 1024)));
  CHECK(refused(proxy, backend, to("/small", sized(11))).status() == 413);
  CHECK(refused(proxy, backend, to("/other", sized(1025))).status() == 413);
  CHECK(refused(proxy, backend, to("/large", sized(1024 * 1024 + 1))).status() == 413);
}

TEST_CASE("a body without a length is cut at its route's limit", "[wire][route]") {
  Backend backend;
  Proxy proxy{kBodies, {{"BACKEND", backend.url()}}};
  const std::string chunks = "8\r\n01234567\r\n3\r\n89a\r\n0\r\n\r\n";
  CHECK(arrives(proxy, backend, to("/other", "Transfer-Encoding: chunked\r\n", chunks),
                "0123456789a"));
  Link client = proxy.connect();
  client.send(to("/small", "Transfer-Encoding: chunked\r\n", chunks));
  Link link = backend.accept();
  CHECK(client.read_response().status() == 413);
  CHECK(link.read_rest().bytes.find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("a body above its route's limit is refused before it is asked for", "[wire][route]") {
  Backend backend;
  Proxy proxy{kBodies, {{"BACKEND", backend.url()}}};
  const Message response =
      refused(proxy, backend, to("/small", "Expect: 100-continue\r\n" + sized(11)));
  CHECK(response.status() == 413);
  CHECK(response.value("Connection") == "close");
}

TEST_CASE("a route reads a larger or a smaller form than the others", "[wire][route]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /small, set: {a: name}, limits: {form: 10B}}\n"
                          "  - {path: /large, set: {a: name}, limits: {form: 200B}}\n"
                          "  - {path: /other, set: {a: name}}\n"),
              {{"BACKEND", backend.url()}}};
  const auto status = [&](const std::string& path, std::size_t size) {
    return proxy
        .ask(to(path, "Content-Type: application/x-www-form-urlencoded\r\n" + sized(size),
                "name=" + std::string(size - 5, 'x')))
        .status();
  };
  CHECK(status("/small", 10) == 303);
  CHECK(status("/small", 11) == 413);
  CHECK(status("/other", 100) == 303);
  CHECK(status("/other", 101) == 413);
  CHECK(status("/large", 200) == 303);
  CHECK(status("/large", 201) == 413);
}

TEST_CASE("each timeout of a route is its own", "[wire][route][timeouts]") {
  Backend backend;
  const std::string key = GENERATE("body", "response", "write");
  CAPTURE(key);
  Proxy proxy{
      with_routes("  - {path: /slow, backend: app, limits: {body: 1GiB}, timeouts: {" + key +
                  ": 10s}}\n  - {path: \"/*\", backend: app, limits: {body: 1GiB}}\n"),
      {{"BACKEND", backend.url()}}};
  const auto stall = [&](const std::string& path, Link& client, Link& link) {
    client = proxy.connect();
    if (key == "response") {
      client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
      link = backend.accept();
      link.read_request();
    } else {
      client.send(to(path, sized(100'000'000)));
      link = backend.accept();
      link.read_until("\r\n\r\n");
    }
    if (key == "write") {
      proxy.wait_until("the proxy takes no more", [&] { return fills(client); });
    }
  };
  Link others_client, others_link, client, link;
  stall("/other", others_client, others_link);
  stall("/slow", client, link);
  const auto took = proxy.advance_until(seconds{1}, [&] {
    if (key == "write") {
      send_what_fits(client);
    }
    return client.readable();
  });
  CHECK(took >= seconds{10});
  CHECK(client.read_response().status() == (key == "body" ? 408 : 504));
  proxy.advance(seconds{60});
  CHECK_FALSE(others_client.readable());
}

TEST_CASE("a set route waits for its form as long as it says", "[wire][route][timeouts]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /slow, set: {a: name}, timeouts: {body: 10s}}\n"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(
      to("/slow", "Content-Type: application/x-www-form-urlencoded\r\n" + sized(8), "name"));
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 408);
}

TEST_CASE("a route waits for a connection to its backend as long as it says",
          "[wire][route][timeouts]") {
  FullBackend backend;
  Proxy proxy{with_routes("  - {path: /slow, backend: app, timeouts: {connect: 10s}}\n"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  CHECK(client.read_response().status() == 504);
}

TEST_CASE("a silent tunnel of a route ends after the route's own idle time",
          "[wire][route][timeouts][upgrade]") {
  Backend backend;
  Proxy proxy{with_routes("  - {path: /ws, backend: app, timeouts: {idle: 10s}}\n"),
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  CHECK(client.read_response().status() == 101);
  CHECK(proxy.advance_until(seconds{1}, [&] { return client.readable(); }) >= seconds{10});
  client.read_rest();
}
