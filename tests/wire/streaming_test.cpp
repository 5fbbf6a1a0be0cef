// Bodies flow as they come, in both directions; interim responses; early answers.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

TEST_CASE("head and first bytes of a response arrive before the backend is done",
          "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  SECTION("chunked") {
    link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.read_until("\r\n\r\n");
    link.send("5\r\nfirst\r\n");
    client.read_until("first");
    link.send("6\r\nsecond\r\n0\r\n\r\n");
    client.read_until("second\r\n0\r\n\r\n");
  }
  SECTION("chunked, with half a chunk line behind the head") {
    link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5");
    client.read_until("\r\n\r\n");
    link.send("\r\nfirst\r\n0\r\n\r\n");
    client.read_until("first\r\n0\r\n\r\n");
  }
  SECTION("counted") {
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    client.read_until("\r\n\r\n");
    link.send("first");
    CHECK(client.read_exactly(5) == "first");
    link.send("second");
    CHECK(client.read_exactly(6) == "second");
  }
  SECTION("until the close") {
    link.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    client.read_until("\r\n\r\n");
    link.send("data: 1\n\n");
    client.read_until("data: 1\n\n");
    link.close();
    CHECK(client.read_exactly(7) == "\r\n0\r\n\r\n");
  }
}

TEST_CASE("head and first bytes of a request arrive before the client is done",
          "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  const bool chunked = GENERATE(false, true);
  client.send(chunked ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  client.send(chunked ? "5\r\nfirst\r\n" : "first");
  link.read_until("first");
  client.send(chunked ? "6\r\nsecond\r\n0\r\n\r\n" : "second");
  link.read_until(chunked ? "second\r\n0\r\n\r\n" : "second");
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  client.send(kGet);
  CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
}

TEST_CASE("a large body passes whole in both directions", "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  std::string data(3'000'000, 'x');
  for (std::size_t i = 0; i < data.size(); i += 7) {
    data[i] = static_cast<char>('a' + i % 26);
  }
  const bool chunked = GENERATE(false, true);
  std::string body = data;
  if (chunked) {
    body.clear();
    for (std::size_t at = 0, n = 1; at < data.size(); at += n, n = n * 3 % 70'001) {
      const std::string piece = data.substr(at, n);
      char line[20];
      std::snprintf(line, sizeof line, "%zx\r\n", piece.size());
      body.append(line).append(piece).append("\r\n");
    }
    body += "0\r\n\r\n";
  }
  const std::string framing = chunked
                                  ? "Transfer-Encoding: chunked\r\n\r\n"
                                  : "Content-Length: " + std::to_string(data.size()) + "\r\n\r\n";
  Link client = proxy.connect();
  std::size_t sent = 0;
  const std::string request = "POST / HTTP/1.1\r\nHost: a\r\n" + framing + body;
  Link link;
  std::string received;
  // Both ends are this thread's: push what fits, take what came.
  while (sent < request.size()) {
    sent += client.send_some(std::string_view{request}.substr(sent));
    if (!link) {
      link = backend.accept();
      link.read_until("\r\n\r\n");
    }
    link.drain_into(received);
  }
  const std::size_t expected_at_least = data.size();
  while (received.size() < expected_at_least || (chunked && !received.ends_with("\r\n0\r\n\r\n"))) {
    received += link.read_exactly(1);
    link.drain_into(received);
  }
  if (!chunked) {
    CHECK(received == data);
  }
  const std::string answer = "HTTP/1.1 200 OK\r\n" + framing + body;
  sent = 0;
  received.clear();
  while (sent < answer.size()) {
    sent += link.send_some(std::string_view{answer}.substr(sent));
    client.drain_into(received);
  }
  client.unread(received);
  const Message response = client.read_response();
  CHECK(response.status() == 200);
  CHECK(response.body == data);
}

TEST_CASE("a client that does not read holds the backend back", "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect(4096);
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  // Nobody holds more than the kernel's buffers and the proxy's own one: it stops taking.
  const std::string block(1'000'000, 'x');
  std::size_t taken = 0;
  std::size_t idle = 0;
  while (idle < 20 && taken < 100'000'000) {
    const std::size_t n = link.send_some(block);
    taken += n;
    idle = n == 0 ? idle + 1 : 0;
    link.writable(std::chrono::milliseconds{10});
  }
  CHECK(taken < 40'000'000);
  // and goes on when the client does
  CHECK(client.read_exactly(5'000'000).size() == 5'000'000);
}

TEST_CASE("a backend that does not read holds the client back", "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 1GiB}\n"};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  const std::string block(1'000'000, 'x');
  std::size_t taken = 0;
  std::size_t idle = 0;
  while (idle < 20 && taken < 100'000'000) {
    const std::size_t n = client.send_some(block);
    taken += n;
    idle = n == 0 ? idle + 1 : 0;
    client.writable(std::chrono::milliseconds{10});
  }
  CHECK(taken < 40'000'000);
  CHECK(link.read_exactly(5'000'000).size() == 5'000'000);
}

TEST_CASE("interim responses reach a 1.1 client in order and before the final one",
          "[wire][streaming][interim]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie =
      proxy
          .ask(
              "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
              "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
          .set_cookie();
  proxy.advance(std::chrono::minutes{2});  // due for its touch
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
      "Set-Cookie: session=evil\r\n\r\n");
  CHECK(client.read_response().start_line() == "HTTP/1.1 102 Processing");
  const Message hints = client.read_response();
  CHECK(hints.head == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  link.send(kOk);
  const Message final = client.read_response();
  CHECK(final.status() == 200);
  CHECK(final.has("Set-Cookie"));
}

TEST_CASE("an HTTP/1.0 client gets no interim response", "[wire][streaming][interim]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  link.read_request();
  link.send(std::string{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"} + kOk);
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("endless interim responses are a bad gateway", "[wire][streaming][interim]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  for (int i = 0; i < 1200; ++i) {
    link.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  }
  Message response;
  int interim = 0;
  while ((response = client.read_response()).status() == 103) {
    ++interim;
  }
  CHECK(response.status() == 502);
  CHECK(interim <= 1001);
}

TEST_CASE("a long job may say hundreds of times that it goes on", "[wire][streaming][interim]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  for (int minute = 0; minute < 3; ++minute) {
    for (int i = 0; i < 500; ++i) {
      link.send("HTTP/1.1 102 Processing\r\n\r\n");
      REQUIRE(client.read_response().status() == 102);
    }
    proxy.advance(std::chrono::seconds{50});
  }
  link.send(kOk);
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("a client that expects 100-continue is invited when the backend may have its body",
          "[wire][streaming][expect]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n");
  Link link = backend.accept();
  const std::string head = link.read_until("\r\n\r\n");
  CHECK(head.find("xpect") == std::string::npos);
  CHECK(client.read_response().head == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  CHECK(link.read_exactly(5) == "hello");
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("an expecting request passes the same removal and injection as every request",
          "[wire][streaming][expect][spoofing]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie =
      proxy
          .ask(
              "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
              "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
          .set_cookie();
  Link client = proxy.connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
      "X-Session-Name: evil\r\nx_session_name: evil\r\nCookie: session=" +
      cookie + "\r\n\r\n");
  const Message request = backend.accept().read_head();
  CHECK(request.value("X-Session-Name") == "Ada");
  CHECK(request.head.find("evil") == std::string::npos);
  CHECK_FALSE(request.has("Cookie"));
}

TEST_CASE("what the proxy refuses it refuses without inviting the body",
          "[wire][streaming][expect]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 10B, form: 10B}\n"};
  const std::string expect = "Expect: 100-continue\r\n";
  CHECK(refused(proxy, backend,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n" + expect + "\r\n")
            .status() == 413);
  CHECK(refused(proxy, backend,
                "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nContent-Type: "
                "text/plain\r\n" +
                    expect + "\r\n")
            .status() == 415);
  CHECK(refused(proxy, backend,
                "PUT /setName HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n" + expect + "\r\n")
            .status() == 405);
}

TEST_CASE("another expectation is 417", "[wire][streaming][expect]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* value : {"x", "x 100-continue", "100-continue, x", "",
                            "100-continue\r\nExpect: x", "x\r\nExpect: 100-continue"}) {
    CAPTURE(value);
    CHECK(refused(proxy, backend,
                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: " +
                      std::string{value} + "\r\n\r\nhello")
              .status() == 417);
  }
}

TEST_CASE("an action invites the body it wants", "[wire][streaming][expect]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(
      "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\nContent-Length: 8\r\nExpect: "
      "100-continue\r\n\r\n");
  CHECK(client.read_response().status() == 100);
  client.send("name=Ada");
  CHECK(client.read_response().status() == 303);
}

TEST_CASE("a final response that overtakes the body ends both connections",
          "[wire][streaming][early]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart");
  Link link = backend.accept();
  link.read_until("part");
  link.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
  const Message response = client.read_response();
  CHECK(response.status() == 403);
  CHECK(response.body == "no");
  CHECK(response.value("Connection") == "close");
  link.read_rest();
  // Whatever the client still sends does not destroy what it has not read yet.
  client.send("more");
  CHECK(client.read_to_end().empty());
}

TEST_CASE("an early response survives a client that is still sending", "[wire][streaming][early]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 100B}\n"};
  Link client = proxy.connect();
  const std::string body(500'000, 'x');
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  client.send_some(body);
  const Message response = client.read_response();
  CHECK(response.status() == 413);
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("an early answer to an expecting client closes instead of inviting twice",
          "[wire][streaming][expect]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  Link link = backend.accept();
  link.read_until("\r\n\r\n");
  CHECK(client.read_response().status() == 100);
  link.send("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n");
  const Message response = client.read_response();
  CHECK(response.status() == 401);
  CHECK(response.value("Connection") == "close");
  // what comes now is that body, not a request
  client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(backend.has_connection());
  link.read_rest();
}

TEST_CASE("a body above the limit is 413, known at once or not", "[wire][streaming][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 10B}\n"};
  CHECK(refused(proxy, backend, post("Content-Length: 11\r\n", "0123456789x")).status() == 413);
  Link client = proxy.connect();
  client.send(post("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"));
  CHECK(client.read_response().status() == 413);
  CHECK(client.read_to_end().empty());
  const std::string got = backend.accept().read_rest().bytes;
  CHECK(got.find("\r\n0\r\n\r\n") == std::string::npos);
  Link fine = proxy.connect();
  fine.send(post("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n"));
  Link link = backend.accept();
  CHECK(link.read_request().body == "0123456789");
  Link counted = proxy.connect();
  counted.send(post("Content-Length: 10\r\n", "0123456789"));
  Link second = backend.accept();
  CHECK(second.read_request().body == "0123456789");
}

TEST_CASE("every chunk that is written is complete", "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  SECTION("of a chunked response") {
    client.send(kGet);
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.read_until("\r\n\r\n");
    for (const std::string& data : {std::string{"data: 1"}, std::string(70'000, 'x')}) {
      char line[20];
      std::snprintf(line, sizeof line, "%zx\r\n", data.size());
      link.send(line + data);  // its CRLF is still to come
      std::string got, expected;
      std::size_t left = data.size();
      while (left > 0) {
        const std::string size = client.read_until("\r\n");
        const std::size_t n = std::stoul(size, nullptr, 16);
        REQUIRE(n <= left);
        const std::string chunk = client.read_exactly(n + 2);
        CHECK(chunk.ends_with("\r\n"));
        left -= n;
      }
      link.send("\r\n");
    }
    link.send("0\r\n\r\n");
    CHECK(client.read_exactly(5) == "0\r\n\r\n");
  }
  SECTION("of a response that lasts until the close") {
    client.send(kGet);
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\n\r\n");
    client.read_until("\r\n\r\n");
    link.send("data: 1");
    CHECK(client.read_exactly(12) == "7\r\ndata: 1\r\n");
    link.send("data: 2");
    CHECK(client.read_exactly(12) == "7\r\ndata: 2\r\n");
    link.close();
    CHECK(client.read_exactly(5) == "0\r\n\r\n");
  }
  SECTION("of an upload") {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    Link link = backend.accept();
    link.read_until("\r\n\r\n");
    client.send("7\r\ndata: 1");
    CHECK(link.read_exactly(12) == "7\r\ndata: 1\r\n");
    client.send("\r\n7\r\ndata: 2\r\n");
    CHECK(link.read_exactly(12) == "7\r\ndata: 2\r\n");
    client.send("0\r\n\r\n");
    CHECK(link.read_exactly(5) == "0\r\n\r\n");
  }
}

TEST_CASE("small chunks that have come together go on together", "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  std::string body;
  for (int i = 0; i < 10'000; ++i) {
    body += "1\r\na\r\n";
  }
  body += "0\r\n\r\n";
  const auto chunks_of = [](const Message& message) {
    std::size_t chunks = 0;
    for (std::size_t at = 0; (at = message.raw_body.find("\r\n", at)) != std::string::npos; ++at) {
      ++chunks;
    }
    return chunks;
  };
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.body == std::string(10'000, 'a'));
  CHECK(chunks_of(request) < 500);
  link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  const Message response = client.read_response();
  CHECK(response.body == std::string(10'000, 'a'));
  CHECK(chunks_of(response) < 500);
}

TEST_CASE("a connection with many pipelined requests lets others have their turn",
          "[wire][streaming]") {
  Backend backend;
  Proxy proxy{backend};
  std::string many;
  for (int i = 0; i < 2000; ++i) {
    many += "PUT /setName HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  Link greedy = proxy.connect();
  Link modest = proxy.connect();
  proxy.wait_until("both are known", [&] { return proxy.connections() == 2; });
  proxy.advance(std::chrono::milliseconds{1}, [&] {
    greedy.send(many);
    modest.send("PUT /reset HTTP/1.1\r\nHost: a\r\n\r\n");
  });
  CHECK(modest.read_response().status() == 405);
  std::string answers;
  proxy.wait_until("all are answered and logged", [&] {
    greedy.drain_into(answers);
    const std::string log = proxy.access_log();
    return std::count(log.begin(), log.end(), '\n') == 2001;
  });
  const std::string log = proxy.access_log();
  const auto before =
      std::count(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(log.find("/reset")), '\n');
  CHECK(before < 50);
}

TEST_CASE("a refusal survives a client that goes on sending for a while",
          "[wire][streaming][early]") {
  Backend backend;
  Proxy proxy{backend, "limits: {body: 100B}\n"};
  Link client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000000\r\n\r\n");
  proxy.wait_until("it is refused", [&] { return client.readable(); });
  const std::string piece(100'000, 'x');
  SECTION("and then reads") {
    for (int i = 0; i < 15; ++i) {
      REQUIRE(client.send(piece));
      proxy.advance(std::chrono::milliseconds{1500});
    }
    CHECK(client.read_response().status() == 413);
    CHECK(client.read_to_end().empty());
    client.close();
    proxy.wait_until("the connection is gone", [&] { return proxy.connections() == 0; });
  }
  SECTION("and then pauses") {
    const auto took = proxy.advance_until(std::chrono::milliseconds{500},
                                          [&] { return proxy.connections() == 0; });
    CHECK(took >= std::chrono::seconds{2});
    CHECK(took <= std::chrono::seconds{4});
  }
  SECTION("but not for ever") {
    const auto took = proxy.advance_until(std::chrono::milliseconds{500}, [&] {
      client.send_some(piece);
      return proxy.connections() == 0;
    });
    CHECK(took >= std::chrono::seconds{30});
    CHECK(took <= std::chrono::seconds{35});
  }
}
