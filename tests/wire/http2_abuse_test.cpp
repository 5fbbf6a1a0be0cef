// What a client may do to an HTTP/2 connection that costs it little: the connection ends or the
// stream does, the proxy and its backends do not notice.

#include <functional>

#include "support/catch.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {

constexpr std::uint32_t kCalm = 11;  // ENHANCE_YOUR_CALM
constexpr std::chrono::seconds kSecond{1};
constexpr const char* kPatient = "timeouts: {header: 1h, idle: 1h, response: 1h, body: 1h}\n";

std::string repeated(int times, const std::function<std::string(std::uint32_t)>& of) {
  std::string bytes;
  for (int i = 0; i < times; ++i) {
    bytes += of(2 * static_cast<std::uint32_t>(i) + 1);
  }
  return bytes;
}

struct FloodRow {
  const char* kind;
  std::string bytes;
};

std::vector<FloodRow> floods() {
  const std::string post = h2::headers(1, h2::request("POST", "/"), false);
  const auto fixed = [](const std::string& frame) {
    return [frame](std::uint32_t) { return frame; };
  };
  return {
      {"resets",
       repeated(400, [](std::uint32_t id) { return h2::headers(id, h2::get()) + h2::rst(id); })},
      {"pings", repeated(2000, fixed(h2::ping()))},
      {"settings", repeated(1000, fixed(h2::settings()))},
      {"empty_data", post + repeated(2000, fixed(h2::data(1, "", false)))},
      {"priorities",
       repeated(2000, fixed(h2::frame(h2::kPriority, 0, 3, std::string("\0\0\0\1\1", 5))))},
      {"window_updates", repeated(2000, fixed(h2::window_update(0, 1)))},
      {"unknown_frames", repeated(2000, fixed(h2::frame(0xbb, 0, 0, "x")))},
      {"continuations", h2::frame(h2::kHeaders, 0, 1, h2::literals(h2::get())) +
                            repeated(2000, fixed(h2::frame(h2::kContinuation, 0, 1, "")))},
      {"header_bomb",
       [] {
         std::string block =
             h2::literals(h2::get()) + h2::indexed_literal("x", std::string(3000, 'x'));
         for (int i = 0; i < 5000; ++i) {
           block += h2::indexed(62);
         }
         return h2::frame(h2::kHeaders, h2::kEndHeaders | h2::kEndStream, 1, block);
       }()},
  };
}

}  // namespace

TEST_CASE("every kind of flood ends its connection with GOAWAY and is logged once",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  const auto row = GENERATE(from_range(floods()));
  INFO(row.kind);
  Http2Client client{proxy};
  client.send(row.bytes);
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == kCalm);
  client.link().read_rest();
  client.link().close();
  CHECK(proxy.ask("PUT /setName HTTP/1.1\r\nHost: a\r\n\r\n").status() == 405);
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
  CHECK(proxy.log().find("was ended with enhance_your_calm") != std::string::npos);
}

TEST_CASE("requests that are reset for their faults are a flood, too", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  int sent = 0;
  for (; sent < 400 && !client.went_away(); ++sent) {
    const std::uint32_t stream = client.ask(h2::get("/", {{"connection", "close"}}));
    client.until([&] { return client.at(stream).reset || client.went_away(); });
  }
  CHECK(client.goaway_code() == kCalm);
  CHECK(sent >= 200);
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a client that does not acknowledge the settings in time is told so", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 5s, idle: 1h}\n"};
  Http2Client client{proxy.connect()};
  client.send(std::string{h2::kPreface} + h2::settings());
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  const auto took = proxy.advance_until(kSecond, [&] { return client.link().readable(); });
  CHECK(took >= std::chrono::seconds{5});
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == 4);  // SETTINGS_TIMEOUT
}

TEST_CASE("a connection without a stream ends in time, whatever PINGs come", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 1h, idle: 10s}\n"};
  Http2Client client{proxy};
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  for (int i = 0; i < 20 && !client.went_away(); ++i) {
    proxy.advance(kSecond);
    client.send(h2::ping());
    client.until([&] { return client.went_away() || !client.link().readable(); });
  }
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == 0);
  client.link().read_rest();
}

TEST_CASE("a header block that does not end, ends the connection", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 5s, idle: 1h}\n"};
  Http2Client client{proxy};
  client.send(h2::frame(h2::kHeaders, 0, 1, h2::literals(h2::get())));
  const auto took = proxy.advance_until(kSecond, [&] {
    client.until([&] { return client.went_away() || !client.link().readable(); });
    return client.went_away();
  });
  CHECK(took >= std::chrono::seconds{5});
  client.link().read_rest();
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a GET that neither ends nor brings a body is reset in time", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 1h, idle: 1h, body: 5s}\n"};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::get(), false));
  const auto took = proxy.advance_until(kSecond, [&] {
    client.until([&] { return client.at(stream).reset || !client.link().readable(); });
    return client.at(stream).reset;
  });
  CHECK(took >= std::chrono::seconds{5});
  CHECK_FALSE(backend.has_connection());
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("credit of a byte at a time does not hold a stream open", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 1h, idle: 1h, response: 1h, write: 10s}\n"};
  Http2Client client{proxy.connect()};
  client.give_credit(false);
  client.send(h2::opening({{4, 0}}));  // INITIAL_WINDOW_SIZE
  const std::uint32_t stream = client.ask(h2::get());
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + std::string(9000, 'x'));
  client.until([&] { return client.at(stream).status() == "200"; });
  std::chrono::seconds took{0};
  for (; took < std::chrono::seconds{60} && !client.at(stream).reset; took += kSecond) {
    client.send(h2::window_update(stream, 1));
    const std::size_t before = client.at(stream).body.size();
    client.until([&] { return client.at(stream).reset || client.at(stream).body.size() > before; });
    proxy.advance(kSecond);
    client.until([&] { return client.at(stream).reset || !client.link().readable(); });
  }
  CHECK(client.at(stream).reset);
  CHECK(client.at(stream).code == 8);  // CANCEL
  CHECK(took >= std::chrono::seconds{10});
  CHECK(took <= std::chrono::seconds{20});
}

TEST_CASE("requests that would smuggle reach no backend", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, kPatient};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  const auto head = [&](const h2::Fields& more, const std::string& method = "POST") {
    return h2::headers(stream, h2::request(method, "/", more), false);
  };
  SECTION("a length of 0 before a body") {
    client.send(head({{"content-length", "0"}}) + h2::data(stream, "GET /smuggled HTTP/1.1\r\n"));
  }
  SECTION("a transfer coding") {
    client.send(head({{"transfer-encoding", "chunked"}}) + h2::data(stream, "0\r\n\r\nGET /s"));
  }
  SECTION("a line within a value") {
    client.send(h2::headers(stream, h2::get("/", {{"x", "a\r\nx-session-name: evil"}})));
  }
  SECTION("a request within the path") {
    client.send(h2::headers(stream, h2::get("/ HTTP/1.1\r\nHost: b\r\n\r\nGET /s")));
  }
  SECTION("an upgrade") {
    client.send(h2::headers(stream, h2::get("/", {{"upgrade", "websocket"}})));
  }
  SECTION("an extended CONNECT, which was not offered") {
    client.send(h2::headers(stream, h2::request("CONNECT", "/", {}), true));
  }
  SECTION("two authorities") {
    client.send(h2::headers(stream, h2::get("/", {{"host", "elsewhere"}})));
  }
  client.until([&] { return client.at(stream).reset || client.at(stream).ended; });
  CHECK((client.at(stream).reset || client.at(stream).status().starts_with("4")));
  CHECK_FALSE(backend.has_connection());
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("a body of another length than announced is never whole to the backend",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, kPatient};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/", {{"content-length", "10"}}), false) +
              h2::data(stream, "half", false));
  Link link = backend.accept();
  link.read_until("half");
  client.send(GENERATE(true, false) ? h2::data(stream, "", true)
                                    : h2::data(stream, "far too much for it", false));
  CHECK(client.finish(stream).reset);
  const Link::Rest rest = link.read_rest();
  CHECK(rest.bytes.size() < 6);
}

TEST_CASE("streams above the limit are refused and start nothing", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "limits: {streams: 2}\n"};
  Http2Client client{proxy.connect()};
  client.send(std::string{h2::kPreface} + h2::settings());  // it has not seen the limit
  client.ask(h2::get());
  client.ask(h2::get());
  const std::uint32_t third = client.ask(h2::get());
  CHECK(client.finish(third).reset);
  CHECK(client.at(third).code == 7);  // REFUSED_STREAM
  Link one = backend.accept();
  Link two = backend.accept();
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("a cut ends streams in whatever they wait for", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, kPatient};
  Http2Client client{proxy};
  client.give_credit(false);
  std::vector<Link> links;
  const std::uint32_t upload = client.open();
  client.send(h2::headers(upload, h2::request("POST", "/up"), false) +
              h2::data(upload, "some", false));
  links.push_back(backend.accept());
  links.back().read_until("some");
  const std::uint32_t download = client.ask(h2::get("/down"));
  links.push_back(backend.accept());
  links.back().read_request();
  links.back().send("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" +
                    std::string(100'000, 'x'));
  client.until([&] { return client.at(download).body.size() >= 65'535; });
  for (int i = 0; i < 10; ++i) {
    client.ask(h2::get());
    links.push_back(backend.accept());
    links.back().read_request();
  }
  proxy.cut();
  CHECK(proxy.ended());
}

TEST_CASE("streams of all connections share the bound of connections", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "workers: 1\nlimits: {streams: 3, connections: 4}\n"};
  Http2Client one{proxy};
  Http2Client two{proxy};
  std::vector<Link> links;
  for (int i = 0; i < 3; ++i) {
    one.ask(h2::get());
    links.push_back(backend.accept());
  }
  two.ask(h2::get());
  links.push_back(backend.accept());
  const std::uint32_t above = two.ask(h2::get());
  CHECK(two.finish(above).reset);
  CHECK(two.at(above).code == 7);  // REFUSED_STREAM
  CHECK_FALSE(backend.has_connection());
  links.front().read_request();
  links.front().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(one.finish(1).status() == "200");
  CHECK(two.finish(two.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("a peer that a reload trusts no more has the budget of any client", "[wire][http2]") {
  Backend backend;
  const std::string yaml = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: /a, set: {n: n}, redirect: /}, {path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";
  Proxy proxy{yaml + "trusted_proxies: [127.0.0.1]\n", {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  const auto reset_some = [&] {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
      const std::uint32_t stream = client.open();
      bytes += h2::headers(stream, h2::get()) + h2::rst(stream);
    }
    client.send(bytes);
  };
  reset_some();
  CHECK(client.finish(client.ask(h2::get("/a"))).status() == "405");
  CHECK_FALSE(client.went_away());
  proxy.reload(yaml);
  CHECK(client.finish(client.ask(h2::get("/a"))).status() == "405");
  reset_some();
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == kCalm);
}
