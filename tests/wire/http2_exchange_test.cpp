// Exchanges over HTTP/2 beside the rest of the proxy: limits and their pages, the end of a
// connection, reload, listeners.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const char* const kListener = R"(
listen: [LISTENER]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
MORE
)";

std::string with(std::string_view listener, std::string_view more = "") {
  std::string yaml = kListener;
  yaml.replace(yaml.find("LISTENER"), 8, listener);
  yaml.replace(yaml.find("MORE"), 4, more);
  return yaml;
}
}  // namespace

TEST_CASE("limits of a request are answers on its stream", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "limits: {header: 4KiB, headers: 50, target: 1KiB, body: 10B}\n"};
  Http2Client client{proxy};
  CHECK(client.finish(client.ask(h2::get("/" + std::string(2000, 'a')))).status() == "414");
  CHECK(client.finish(client.ask(h2::get("/", {{"x", std::string(6000, 'a')}}))).status() == "431");
  CHECK(client.finish(client.ask(h2::get("/", h2::Fields(60, {"a", "b"})))).status() == "431");
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/"), false) +
              h2::data(stream, "more than ten bytes"));
  const Http2Client::Answer& answer = client.finish(stream);
  CHECK(answer.status() == "413");
  CHECK(h2::value_of(answer.head, "content-type").starts_with("application/problem+json"));
  CHECK(answer.body.find("413") != std::string::npos);
  CHECK_FALSE(client.went_away());
}

TEST_CASE("a refusal for its cookie fields says how many there may be", "[wire][http2][limits]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const auto answer = client.finish(client.ask(h2::get("/", h2::Fields(1001, {"cookie", "a=1"}))));
  CHECK(answer.status() == "431");
  CHECK(answer.body.find("at most 1000 cookie fields") != std::string::npos);
  CHECK(proxy.log().find("was refused with 431 by the limit of cookie fields: 1000") !=
        std::string::npos);
}

TEST_CASE("a session is opened, renewed and cleared over HTTP/2", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const auto send_form = [&](const std::string& path, const std::string& cookie) {
    const std::uint32_t stream = client.open();
    h2::Fields more{{"content-type", "application/x-www-form-urlencoded"}};
    if (!cookie.empty()) {
      more.emplace_back("cookie", cookie);
    }
    client.send(h2::headers(stream, h2::request("POST", path, more), false) +
                h2::data(stream, "name=Ada"));
    return client.finish(stream);
  };
  const std::string set = h2::value_of(send_form("/setName", "").head, "set-cookie");
  const std::string cookie = set.substr(0, set.find(';'));
  REQUIRE(cookie.starts_with("session="));
  // In crumbs, beside a header that poses as ours.
  const std::uint32_t stream = client.ask(h2::get(
      "/", {{"x-session-name", "evil"}, {"cookie", "a=1"}, {"cookie", cookie}, {"cookie", "b=2"}}));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK(request.head.find("evil") == std::string::npos);
  CHECK(request.value("Cookie") == "a=1; b=2");
  link.send(kOk);
  CHECK(client.finish(stream).body == "ok");
  const Http2Client::Answer cleared = send_form("/reset", cookie);
  CHECK(h2::value_of(cleared.head, "set-cookie").find("Max-Age=0") != std::string::npos);
}

TEST_CASE("a hundred streams at once have each its own answer", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  std::string bytes;
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(client.open());
    bytes += h2::headers(streams.back(), h2::get("/" + std::to_string(i)));
  }
  client.send(bytes);
  std::vector<Link> links;
  for (int i = 0; i < 100; ++i) {
    links.push_back(backend.accept());
    const std::string line = links.back().read_request().start_line();
    const std::string name = line.substr(5, line.find(' ', 5) - 5);
    links.back().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(name.size()) +
                      "\r\n\r\n" + name);
  }
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(client.finish(streams[i]).body == std::to_string(i));
  }
}

TEST_CASE("after requests_per_connection a connection takes no more streams and ends in order",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "limits: {requests_per_connection: 3}\n"};
  Http2Client client{proxy};
  for (int i = 0; i < 3; ++i) {
    CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  }
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == 0);
  // Sent before the client could know.
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  proxy.advance(std::chrono::seconds{2});
  CHECK_FALSE(client.link().read_rest().reset);
}

TEST_CASE("a reload holds for the next stream of a connection", "[wire][http2]") {
  Backend backend;
  const std::string listener = "{address: \"127.0.0.1:0\"}";
  Proxy proxy{with(listener), {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  const h2::Fields fields = h2::get("/", {{"x-forwarded-for", "203.0.113.9"}});
  const std::uint32_t before = client.ask(fields);
  Link one = backend.accept();
  CHECK(one.read_request().value("X-Forwarded-For") == "127.0.0.1");
  proxy.reload(with(listener, "trusted_proxies: [\"127.0.0.1\"]"));
  const std::uint32_t after = client.ask(fields);
  Link two = backend.accept();
  CHECK(two.read_request().value("X-Forwarded-For") == "203.0.113.9, 127.0.0.1");
  two.send(kOk);
  one.send(kOk);
  CHECK(client.finish(before).body == "ok");
  CHECK(client.finish(after).body == "ok");
}

TEST_CASE("HTTP/2 begins behind a PROXY header", "[wire][http2]") {
  Backend backend;
  Proxy proxy{
      with("{address: \"127.0.0.1:0\", proxy_protocol: true}", "trusted_proxies: [\"127.0.0.1\"]"),
      {{"BACKEND", backend.url()}}};
  Http2Client client{proxy.connect()};
  client.send("PROXY TCP4 192.0.2.1 192.0.2.2 4660 443\r\n" + h2::opening());
  client.ask(h2::get());
  CHECK(backend.accept().read_request().value("X-Forwarded-For") == "192.0.2.1");
}

TEST_CASE("redirect_to_https redirects streams", "[wire][http2]") {
  Backend backend;
  Proxy proxy{with("{address: \"127.0.0.1:0\", redirect_to_https: 8443}"),
              {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  const Http2Client::Answer& answer = client.finish(client.ask(h2::get("/path?q")));
  CHECK(answer.status() == "308");
  CHECK(h2::value_of(answer.head, "location").ends_with(":8443/path?q"));
}

TEST_CASE("a listener with http2: false answers the preface over HTTP/1", "[wire][http2]") {
  Backend backend;
  Proxy proxy{with("{address: \"127.0.0.1:0\", http2: false}"), {{"BACKEND", backend.url()}}};
  Link link = proxy.connect();
  link.send(h2::opening());
  CHECK(link.read_response().status() == 505);
}

TEST_CASE("a request body's trailers are dropped, and frame nothing", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/"), false) +
              h2::data(stream, "body", false) +
              h2::headers(stream, {{"x-session-name", "evil"}, {"x-sum", "1"}}));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.body == "body");
  CHECK(request.head.find("evil") == std::string::npos);
  link.send(kOk);
  CHECK(client.finish(stream).body == "ok");
}

TEST_CASE("an authenticated backend connection is not kept for a connection of several streams",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.ask(h2::get("/", {{"authorization", "NTLM abc"}}));
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM def\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.finish(stream).status() == "401");
  CHECK(link.read_rest().bytes.empty());
}

TEST_CASE("an upload waits for its backend, other streams do not", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t upload = client.open();
  client.send(h2::headers(upload, h2::request("POST", "/up"), false));
  Link slow = backend.accept();
  // The backend takes nothing: credit ends when the buffers of both kernels and one window are
  // full.
  const std::string piece(16'000, 'x');
  std::size_t sent = 0;
  while (sent + piece.size() <= 65'536 + client.at(upload).credit && sent < 64'000'000) {
    client.send(h2::data(upload, piece, false));
    sent += piece.size();
    client.until([&] {
      return !client.link().readable(std::chrono::milliseconds{
          sent + piece.size() <= 65'536 + client.at(upload).credit ? 0 : 300});
    });
  }
  CHECK(sent < 64'000'000);
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  client.send(h2::rst(upload));
  proxy.wait_until("it is logged", [&] {
    return proxy.access_log().find("/up HTTP/2.0\" 499") != std::string::npos;
  });
}

TEST_CASE("a connection whose preface comes slowly is looked after like any other",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 20s, idle: 10s}\n"};
  Http2Client client{proxy.connect()};
  client.send(h2::kPreface.substr(0, 10));
  for (int i = 0; i < 5; ++i) {
    proxy.advance(std::chrono::seconds{1});
  }
  client.send(h2::opening().substr(10));
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  const auto took =
      proxy.advance_until(std::chrono::seconds{1}, [&] { return client.link().readable(); });
  CHECK(took >= std::chrono::seconds{10});
  CHECK(took <= std::chrono::seconds{20});
  client.link().read_rest();
}

TEST_CASE("the time for a head begins with what may become a preface", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 10s}\n"};
  Link client = connect_to(proxy.port());
  client.send("PRI * HT");
  proxy.wait_until("the connection is there", [&] { return proxy.connections() == 1; });
  REQUIRE_FALSE(client.readable(std::chrono::milliseconds{100}));  // by then its bytes are, too
  for (int i = 0; i < 7; ++i) {
    proxy.advance(std::chrono::seconds{1});
  }
  client.send("/");
  REQUIRE_FALSE(client.readable(std::chrono::milliseconds{100}));
  const auto took = proxy.advance_until(std::chrono::seconds{1}, [&] { return client.readable(); });
  CHECK(took <= std::chrono::seconds{6});
  CHECK(client.read_response().status() == 408);
}

TEST_CASE("the access log can name the stream of a request", "[wire][http2][log]") {
  Backend backend;
  Proxy proxy{backend, "log: {fields: [target, version, connection, stream]}\n"};
  Http2Client client{proxy};
  client.open();
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  CHECK(client.finish(client.ask(h2::get("/reset"))).status() == "303");
  proxy.wait_until("both are logged", [&] {
    return proxy.access_log().find("\"/reset\" HTTP/2.0 2 5\n") != std::string::npos;
  });
  CHECK(proxy.access_log().find("\"/setName\" HTTP/2.0 1 3\n") != std::string::npos);
  Link other = connect_to(proxy.port());
  other.send("PUT /setName HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(other.read_response().status() == 405);
  proxy.wait_until("it is logged, too", [&] {
    return proxy.access_log().find("\"/setName\" HTTP/1.1 1 0\n") != std::string::npos;
  });
}
