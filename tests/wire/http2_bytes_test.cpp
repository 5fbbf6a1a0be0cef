// What a backend gets of a request over HTTP/2, byte for byte, and when a client gets what.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::chrono::milliseconds kMoment{50};

// Without what differs from request to request.
std::string comparable(std::string head) {
  const std::size_t id = head.find("X-Request-Id: ");
  REQUIRE(id != std::string::npos);
  return head.erase(id, head.find("\r\n", id) - id);
}

std::string over_http1(const Proxy& proxy, Backend& backend, const std::string& method,
                       const std::string& path, const h2::Fields& more, const std::string& body) {
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: a\r\n";
  for (const auto& [name, value] : more) {
    text += (name == "cookie" ? "Cookie" : name) + ": " + value + "\r\n";
  }
  Link client = proxy.connect();
  client.send(text + "\r\n" + body);
  Link link = backend.accept();
  const Message request = link.read_request();
  return comparable(request.head) + request.raw_body;
}

std::string over_http2(const Proxy& proxy, Backend& backend, const std::string& method,
                       const std::string& path, h2::Fields more, const std::string& body) {
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  h2::Fields fields = h2::request(method, path);
  for (auto& [name, value] : fields) {
    if (name == ":authority") {
      value = "a";
    }
  }
  fields.insert(fields.end(), more.begin(), more.end());
  client.send(h2::headers(stream, fields, body.empty()) +
              (body.empty() ? "" : h2::data(stream, body)));
  Link link = backend.accept();
  const Message request = link.read_request();
  return comparable(request.head) + request.raw_body;
}

// Sends these frames and returns what the backend got.
Message received(const Proxy& proxy, Backend& backend, const std::string& frames) {
  Http2Client client{proxy};
  client.send(frames);
  Link link = backend.accept();
  Message request = link.read_request();
  link.send(kOk);
  CHECK(client.finish(1).status() == "200");
  return request;
}

}  // namespace

TEST_CASE("a backend gets equal bytes over both protocols", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  struct Row {
    std::string method;
    std::string path;
    h2::Fields fields;
    std::string body;
  };
  const Row row = GENERATE(
      Row{"GET", "/", {}, ""}, Row{"GET", "/a%2fb/../c?x=%00&y=;", {{"accept", "*/*"}}, ""},
      Row{"OPTIONS", "/x", {{"max-forwards", "3"}}, ""},
      Row{"GET", "/", {{"x-session-name", "evil"}, {"x_session_name", "evil"}}, ""},
      Row{"GET",
          "/",
          {{"content_length", "5"}, {"transfer.encoding", "chunked"}, {"http2-settings", "AAMA"}},
          ""},
      Row{"GET", "/", {{"trailer", "x"}, {"proxy-authorization", "Basic eA=="}}, ""},
      Row{"GET", "/", {{"x-forwarded-for", "1.2.3.4"}, {"forwarded", "for=1.2.3.4"}}, ""},
      Row{"GET", "/", {{"te", "trailers"}, {"range", "bytes=0-1"}, {"x", "tab\there"}}, ""},
      Row{"GET", "/", {{"via", "1.0 x"}, {"priority", "u=1"}, {"empty", ""}}, ""},
      Row{"POST", "/p", {{"content-length", "5"}, {"content-type", "text/plain"}}, "hello"},
      Row{"POST", "/p", {{"content-length", "0005"}}, "hello"},
      Row{"PUT", "/p", {{"content-length", "3"}}, std::string("\0\r\n", 3)},
      Row{"DELETE", "/p", {{"content-length", "1"}}, "x"},
      Row{"GET", "/p", {{"content-length", "1"}}, "x"},
      Row{"PURGE", "/p", {{"content-length", "0"}}, ""},
      Row{"GET", "/", {{"cookie", "a=1; session=foreign; b=2;c=\"3\""}}, ""});
  CAPTURE(row.method, row.path);
  CHECK(escaped(over_http2(proxy, backend, row.method, row.path, row.fields, row.body)) ==
        escaped(over_http1(proxy, backend, row.method, row.path, row.fields, row.body)));
}

TEST_CASE("a body without a length gets one if it has come whole", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string head = h2::headers(1, h2::request("POST", "/"), false);
  SECTION("with its head") {
    const Message request = received(proxy, backend, head + h2::data(1, "hello"));
    CHECK(request.value("Content-Length") == "5");
    CHECK_FALSE(request.has("Transfer-Encoding"));
    CHECK(request.body == "hello");
  }
  SECTION("in frames, some of them empty") {
    const Message request = received(proxy, backend,
                                     head + h2::data(1, "", false) + h2::data(1, "hel", false) +
                                         h2::data(1, "lo", false) + h2::data(1, ""));
    CHECK(request.value("Content-Length") == "5");
    CHECK(request.body == "hello");
  }
  SECTION("not if more may come") {
    Http2Client client{proxy};
    client.send(head + h2::data(1, "hel", false));
    Link link = backend.accept();
    const std::string so_far = link.read_until("hel");
    CHECK(so_far.find("Transfer-Encoding: chunked") != std::string::npos);
    CHECK(so_far.find("Content-Length") == std::string::npos);
    client.send(h2::data(1, "lo"));
    link.read_until("lo\r\n0\r\n\r\n");
  }
  SECTION("padding is none of it") {
    const std::string padded =
        h2::frame(h2::kData, h2::kEndStream | h2::kPadded, 1, "\x03hello" + std::string(3, '\0'));
    CHECK(received(proxy, backend, head + padded).body == "hello");
  }
}

TEST_CASE("a length that the client told stays one when the body comes after its head",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.send(h2::headers(1, h2::request("POST", "/", {{"content-length", "5"}}), false));
  Link link = backend.accept();
  const std::string head = link.read_until("\r\n\r\n");
  CHECK(head.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(head.find("Transfer-Encoding") == std::string::npos);
  client.send(h2::data(1, "he", false));
  client.send(h2::data(1, "llo"));
  CHECK(link.read_until("llo") == "hello");
}

TEST_CASE("a request without a body has neither length nor coding", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string method = GENERATE("GET", "DELETE", "PURGE", "POST");
  const bool late = GENERATE(true, false);
  CAPTURE(method, late);
  const std::string frames = late
                                 ? h2::headers(1, h2::request(method, "/"), false) + h2::data(1, "")
                                 : h2::headers(1, h2::request(method, "/"));
  const Message request = received(proxy, backend, frames);
  CHECK_FALSE(request.has("Transfer-Encoding"));
  CHECK((!request.has("Content-Length") || request.value("Content-Length") == "0"));
  CHECK(request.body.empty());
}

TEST_CASE("a body is framed for every method", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string method = GENERATE("GET", "DELETE", "OPTIONS", "PURGE", "HEAD");
  CAPTURE(method);
  Http2Client client{proxy};
  client.send(h2::headers(1, h2::request(method, "/x"), false) + h2::data(1, "body"));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.body == "body");
  CHECK(request.value("Content-Length") == "4");
}

TEST_CASE("a body that its client cut short is cut short to the backend", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.send(h2::headers(1, h2::request("POST", "/"), false) + h2::data(1, "half", false));
  Link link = backend.accept();
  link.read_until("half\r\n");
  SECTION("by a reset") {
    client.send(h2::rst(1));
  }
  SECTION("by the end of its connection") {
    client.link().close();
  }
  SECTION("by half an end") {
    client.link().shutdown_write();
  }
  SECTION("by a broken frame") {
    client.send(h2::frame(h2::kWindowUpdate, 0, 0, "bad"));
  }
  CHECK(link.read_rest().bytes.empty());
}

TEST_CASE("an expectation that Keepsake does not know is refused on its stream", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/", {{"expect", "more"}}), false));
  CHECK(client.finish(stream).status() == "417");
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a body until the backend closes ends its stream in order", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.ask(h2::get());
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
  link.close();
  CHECK(client.finish(1).body == "until the end");
  CHECK_FALSE(client.at(1).reset);
}

TEST_CASE("the end of a request is no abort, the end of its connection is", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.ask(h2::get());
  Link link = backend.accept();
  link.read_request();
  CHECK_FALSE(link.readable(kMoment));
  client.link().shutdown_write();
  CHECK(link.read_rest().bytes.empty());
  proxy.wait_until("it is logged",
                   [&] { return proxy.access_log().find("HTTP/2.0\" 499") != std::string::npos; });
}

TEST_CASE("a request over HTTP/2 is sent again when an idle connection turns out to be closed",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.ask(h2::get());
  Link first = backend.accept();
  first.read_request();
  first.send(kOk);
  CHECK(client.finish(1).status() == "200");
  const std::uint32_t stream = client.ask(h2::get("/again"));
  first.read_request();
  first.close();
  Link second = backend.accept();
  CHECK(second.read_request().start_line() == "GET /again HTTP/1.1");
  second.send(kOk);
  CHECK(client.finish(stream).status() == "200");
}

TEST_CASE("what a backend sends now a client of HTTP/2 gets now", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.ask(h2::get());
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.until([&] { return client.at(1).status() == "200"; });
  std::string all;
  for (const std::string event : {"one", "two", "six"}) {
    link.send("3\r\n" + event + "\r\n");
    all += event;
    client.until([&] { return client.at(1).body.size() == all.size(); });
    CHECK(client.at(1).body == all);
  }
  CHECK_FALSE(client.at(1).ended);
}

TEST_CASE("rate limits count each request of a connection", "[wire][http2]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app, rate_limits: [{requests: 2, every: 60s}]}]
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  const std::string both =
      h2::headers(1, h2::get()) + h2::headers(3, h2::get()) + h2::headers(5, h2::get());
  client.send(both);
  CHECK(client.finish(5).status() == "429");
  for (int i = 0; i < 2; ++i) {
    Link link = backend.accept();
    link.read_request();
    link.send(kOk);
  }
  CHECK(client.finish(1).status() == "200");
  CHECK(client.finish(3).status() == "200");
}

TEST_CASE("an HTTP/2 connection that rests serves, drains and ends like any other",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {idle: 60s}\n"};
  Http2Client client{proxy};
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  for (int i = 0; i < 10; ++i) {
    proxy.advance(std::chrono::seconds{1});
  }
  SECTION("it serves") {
    CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
    const auto took =
        proxy.advance_until(std::chrono::seconds{1}, [&] { return client.link().readable(); });
    CHECK(took >= std::chrono::seconds{60});
    client.until([&] { return client.went_away(); });
    CHECK(client.goaway_code() == 0);
  }
  SECTION("it drains") {
    proxy.drain();
    client.until([&] { return client.went_away(); });
    CHECK(client.goaway_code() == 0);
    proxy.advance(std::chrono::seconds{2});
  }
  SECTION("it ends in time") {
    const auto took =
        proxy.advance_until(std::chrono::seconds{1}, [&] { return client.link().readable(); });
    CHECK(took >= std::chrono::seconds{49});
    CHECK(took <= std::chrono::seconds{55});
    client.until([&] { return client.went_away(); });
    CHECK(client.goaway_code() == 0);
  }
  client.link().read_rest();
  client.link().close();
  proxy.wait_until("it is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("a connection that has sent its preface may wait for its first request",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 5s, idle: 60s}\n"};
  Http2Client client{proxy};
  client.until([&] { return client.at(0).credit != 0; });
  for (int i = 0; i < 20; ++i) {
    proxy.advance(std::chrono::seconds{1});
  }
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}
