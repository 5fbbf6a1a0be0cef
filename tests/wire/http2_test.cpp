// HTTP/2 clients: every stream is an exchange like any other.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

TEST_CASE("a request over HTTP/2 reaches the backend as one of HTTP/1.1", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream =
      client.ask(h2::get("/path?q", {{"x-one", "1"}, {"cookie", "a=1"}, {"cookie", "b=2"}}));
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.start_line() == "GET /path?q HTTP/1.1");
  CHECK(request.value("x-one") == "1");
  CHECK(request.value("Cookie") == "a=1; b=2");
  CHECK(request.body.empty());
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Two: 2\r\nConnection: close\r\n\r\nok");
  const Http2Client::Answer& answer = client.finish(stream);
  CHECK(answer.status() == "200");
  CHECK(h2::value_of(answer.head, "x-two") == "2");
  CHECK(h2::value_of(answer.head, "content-length") == "2");
  CHECK(h2::value_of(answer.head, "connection") == "(none)");
  CHECK(answer.body == "ok");
}

TEST_CASE("the preface may come in any parts", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy.connect()};
  client.link().send_bytewise(h2::opening() + h2::headers(1, h2::get("/setName")));
  CHECK(client.finish(1).status() == "405");
}

TEST_CASE("streams run beside each other and end in any order", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  std::vector<std::uint32_t> streams;
  std::vector<Link> links;
  for (int i = 0; i < 20; ++i) {
    streams.push_back(client.ask(h2::get("/" + std::to_string(i))));
  }
  std::map<std::string, std::size_t> by_path;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    links.push_back(backend.accept());
    by_path[links.back().read_request().start_line()] = i;
  }
  for (std::size_t i = streams.size(); i-- > 0;) {
    const std::string path = std::to_string(i);
    Link& link = links[by_path["GET /" + path + " HTTP/1.1"]];
    link.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" +
              path);
    CHECK(client.finish(streams[i]).body == path);
  }
}

TEST_CASE("a session lives over HTTP/2 as over HTTP/1", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t form = client.open();
  client.send(h2::headers(form,
                          h2::request("POST", "/setName",
                                      {{"content-type", "application/x-www-form-urlencoded"}}),
                          false) +
              h2::data(form, "name=Ada"));
  const Http2Client::Answer& set = client.finish(form);
  CHECK(set.status() == "303");
  const std::string cookie = h2::value_of(set.head, "set-cookie");
  REQUIRE(cookie.starts_with("session="));
  client.ask(
      h2::get("/", {{"cookie", cookie.substr(0, cookie.find(';'))}, {"x-session-name", "evil"}}));
  const Message request = backend.accept().read_request();
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK(request.head.find("evil") == std::string::npos);
}

TEST_CASE("uploads over HTTP/2 flow as they come", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  SECTION("without a length they are chunked") {
    client.send(h2::headers(stream, h2::request("POST", "/"), false) +
                h2::data(stream, "first", false));
    Link link = backend.accept();
    CHECK(link.read_until("first\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
    client.send(h2::data(stream, "second"));
    link.read_until("second\r\n0\r\n\r\n");
    link.send(kOk);
    CHECK(client.finish(stream).body == "ok");
  }
  SECTION("a small one that has come whole gets a length") {
    client.send(h2::headers(stream, h2::request("POST", "/"), false) + h2::data(stream, "whole"));
    Link link = backend.accept();
    const Message request = link.read_request();
    CHECK(request.value("Content-Length") == "5");
    CHECK(request.body == "whole");
    link.send(kOk);
    CHECK(client.finish(stream).body == "ok");
  }
  SECTION("a large one passes whole, by credit") {
    const std::string piece(16'000, 'x');
    client.send(
        h2::headers(stream, h2::request("POST", "/", {{"content-length", "1600000"}}), false));
    Link link = backend.accept();
    link.read_until("\r\n\r\n");
    for (int i = 0; i < 4; ++i) {  // what fits into the first window
      client.send(h2::data(stream, piece, false));
    }
    for (std::size_t i = 4; i < 100; ++i) {
      CHECK((link.read_exactly(piece.size()) == piece));
      client.until([&] { return 65'536 + client.at(stream).credit >= (i + 1) * piece.size(); });
      client.send(h2::data(stream, piece, i == 99));
    }
    for (int i = 0; i < 4; ++i) {
      CHECK((link.read_exactly(piece.size()) == piece));
    }
    link.send(kOk);
    CHECK(client.finish(stream).body == "ok");
  }
}

TEST_CASE("large responses share a connection", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t one = client.ask(h2::get("/one"));
  Link first = backend.accept();
  first.read_request();
  const std::uint32_t two = client.ask(h2::get("/two"));
  Link second = backend.accept();
  second.read_request();
  const std::string data(1'000'000, 'd');
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
  std::size_t sent = 0;
  const std::string response = head + data;
  std::size_t sent_second = 0;
  client.until([&] {
    sent += first.send_some(std::string_view{response}.substr(sent));
    sent_second += second.send_some(std::string_view{response}.substr(sent_second));
    return client.at(one).ended && client.at(two).ended;
  });
  CHECK((client.at(one).body == data));
  CHECK((client.at(two).body == data));
}

TEST_CASE("a client that resets a stream ends its exchange alone", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t lost = client.ask(h2::get("/lost"));
  Link first = backend.accept();
  first.read_request();
  const std::uint32_t kept = client.ask(h2::get("/kept"));
  Link second = backend.accept();
  second.read_request();
  client.send(h2::rst(lost));
  CHECK(first.read_rest().bytes.empty());
  second.send(kOk);
  CHECK(client.finish(kept).body == "ok");
  proxy.wait_until("it is logged as 499", [&] {
    return proxy.access_log().find("/lost HTTP/2.0\" 499") != std::string::npos;
  });
}

TEST_CASE("a response that breaks off ends its stream with a reset, never with an end",
          "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const bool chunked = GENERATE(true, false);
  const std::uint32_t stream = client.ask(h2::get());
  Link link = backend.accept();
  link.read_request();
  link.send(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  client.until([&] { return client.at(stream).body == "hello"; });
  link.close();
  const Http2Client::Answer& answer = client.finish(stream);
  CHECK(answer.reset);
  CHECK_FALSE(answer.ended);
  CHECK(answer.code == 2);  // INTERNAL_ERROR
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
}

TEST_CASE("a final response before the end of the body ends the stream in order", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 10B}\n"};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/", {{"content-length", "1000"}}), false));
  const Http2Client::Answer& answer = client.finish(stream);
  CHECK(answer.status() == "413");
  CHECK(answer.ended);
  client.until([&] { return client.at(stream).reset; });
  CHECK(client.at(stream).code == 0);  // NO_ERROR
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("interim responses, trailers and 100-continue pass over HTTP/2", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(
      stream,
      h2::request("POST", "/",
                  {{"content-length", "5"}, {"te", "trailers"}, {"expect", "100-continue"}}),
      false));
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  client.until([&] { return client.at(stream).interim.size() == 1; });
  CHECK(h2::value_of(client.at(stream).interim[0], ":status") == "100");
  client.send(h2::data(stream, "hello"));
  CHECK(link.read_exactly(5) == "hello");
  link.send(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n");
  const Http2Client::Answer& answer = client.finish(stream);
  REQUIRE(answer.interim.size() == 2);
  CHECK(h2::value_of(answer.interim[1], "link") == "</a>");
  CHECK(answer.body == "ok");
  CHECK(h2::value_of(answer.trailers, "x-sum") == "1");
}

TEST_CASE("trailers that wait for the client's credit arrive", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  client.give_credit(false);
  client.send(h2::settings({{4, 5}}));  // SETTINGS_INITIAL_WINDOW_SIZE: the body and nothing more
  const std::uint32_t stream = client.ask(h2::get("/", {{"te", "trailers"}}));
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
      "grpc-status: 0\r\n\r\n");
  client.until([&] { return client.at(stream).body == "hello"; });
  client.ask(h2::get("/", {{"te", "trailers"}}));
  backend.accept().read_request();  // the worker is done with the first by now
  client.send(h2::window_update(stream, 1));
  const Http2Client::Answer& answer = client.finish(stream);
  CHECK_FALSE(answer.reset);
  CHECK(answer.ended);
  CHECK(h2::value_of(answer.trailers, "grpc-status") == "0");
}

TEST_CASE("a client that is gone takes all its streams with it", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  std::vector<Link> links;
  {
    Http2Client client{proxy};
    for (int i = 0; i < 3; ++i) {
      client.ask(h2::get());
      links.push_back(backend.accept());
      links.back().read_request();
    }
    if (GENERATE(true, false)) {
      client.link().reset();
    } else {
      client.link().shutdown_write();
      client.link().read_rest();
    }
  }
  for (Link& link : links) {
    CHECK(link.read_rest().bytes.empty());
  }
  proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
}

TEST_CASE("deadlines hold for each stream", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend, "timeouts: {header: 1h, idle: 1h, response: 1h, body: 10s, write: 10s}\n"};
  Http2Client client{proxy};
  SECTION("a body that stops is 408") {
    const std::uint32_t stream = client.open();
    client.send(h2::headers(stream, h2::request("POST", "/", {{"content-length", "10"}}), false) +
                h2::data(stream, "half", false));
    Link link = backend.accept();
    link.read_until("half");
    const auto took = proxy.advance_until(std::chrono::seconds{1},
                                          [&] { return !link.readable() ? false : true; });
    CHECK(took >= std::chrono::seconds{10});
    CHECK(client.finish(stream).status() == "408");
  }
  SECTION("a stream that its client gives no credit is reset, others go on") {
    client.give_credit(false);
    const std::uint32_t stalled = client.ask(h2::get("/large"));
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x'));
    client.until([&] { return client.at(stalled).body.size() >= 65'535; });
    const auto took =
        proxy.advance_until(std::chrono::seconds{1}, [&] { return client.link().readable(); });
    CHECK(took >= std::chrono::seconds{10});
    CHECK(client.finish(stalled).reset);
    CHECK(client.at(stalled).code == 8);  // CANCEL
    client.send(h2::window_update(0, 100'000));
    CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  }
}

TEST_CASE("a drain lets streams finish, then closes", "[wire][http2][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  const std::uint32_t running = client.ask(h2::get("/running"));
  Link link = backend.accept();
  link.read_request();
  proxy.drain();
  client.until([&] { return client.went_away(); });
  // Sent before the client could know: it is served still.
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  proxy.advance(std::chrono::seconds{2});
  link.send(kOk);
  CHECK(client.finish(running).body == "ok");
  CHECK(client.link().read_rest().reset == false);
  client.link().close();
  CHECK(proxy.ended());
}

TEST_CASE("what a flood costs ends the connection, not the proxy", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  std::string flood;
  for (int i = 0; i < 2000; ++i) {
    flood += h2::ping();
  }
  client.send(flood);
  client.until([&] { return client.went_away(); });
  CHECK(client.goaway_code() == 11);  // ENHANCE_YOUR_CALM
  CHECK(proxy.ask("PUT /setName HTTP/1.1\r\nHost: a\r\n\r\n").status() == 405);
}

TEST_CASE("a stream counts until its exchange has ended", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  std::string bytes;
  for (std::uint32_t i = 0; i < 150; ++i) {
    const std::uint32_t stream = client.open();
    bytes += h2::headers(stream, h2::get()) + h2::rst(stream);
  }
  client.send(bytes);
  const Http2Client::Answer& answer = client.finish(client.ask(h2::get("/setName")));
  INFO(answer.code << " " << client.goaway_code() << proxy.log());
  CHECK(answer.status() == "405");
  CHECK_FALSE(backend.has_connection());  // begun and reset in one read: no exchange
}
