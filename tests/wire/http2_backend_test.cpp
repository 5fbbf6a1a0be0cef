// Exchanges with a backend that speaks HTTP/2: what reaches it, and what of its answers reaches a
// client of either protocol.

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "support/catch.hpp"
#include "wire/http2_backend_world.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;
namespace h2 = keepsake::test::http2;

TEST_CASE("a request becomes the fields of a stream and its answer a response",
          "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/a?b=c", "X-One: 1\r\nKeep-Alive: x\r\nTE: trailers\r\n"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  const Http2Server::Request& request = server.finish(stream);
  CHECK(request.value(":method") == "GET");
  CHECK(request.value(":scheme") == "http");
  CHECK(request.value(":authority") == "a.example");
  CHECK(request.path() == "/a?b=c");
  CHECK(request.value("x-one") == "1");
  CHECK(request.value("host") == "(none)");
  CHECK(request.value("connection") == "(none)");
  CHECK(request.value("keep-alive") == "(none)");
  CHECK(request.value("x-forwarded-for") == "127.0.0.1");
  server.answer(stream, "hello", {{"content-length", "5"}, {"x-two", "2"}});
  const Message response = client.read_response();
  CHECK(response.status() == 200);
  CHECK(response.value("X-Two") == "2");
  CHECK(response.body == "hello");
  // The next one has a stream of the same connection.
  client.send(get("/next"));
  const std::uint32_t next = server.accept();
  CHECK(server.at(next).path() == "/next");
  server.answer(next, "again");
  CHECK(client.read_response().body == "again");
  CHECK_FALSE(world.backend.has_connection());
}

TEST_CASE("te: trailers reaches a backend of HTTP/2, and no other te", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/", "TE: trailers\r\nConnection: TE\r\n"));
  Http2Server server = world.accept();
  std::uint32_t stream = server.accept();
  CHECK(server.at(stream).value("te") == "trailers");
  server.answer(stream, "");
  client.read_response();
  client.send(get("/"));
  stream = server.accept();
  CHECK(server.at(stream).value("te") == "(none)");
  server.answer(stream, "");
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("sessions are injected into streams and changed by their answers",
          "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/login", "X-Session-Name: forged\r\n"));
  Http2Server server = world.accept();
  std::uint32_t stream = server.accept();
  CHECK(server.at(stream).value("x-session-name") == "(none)");
  server.answer(stream, "in", {{"x-session-set", "myName=Ada"}});
  const Message in = client.read_response();
  const std::string cookie = in.set_cookie();
  CHECK(cookie != "(absent)");
  CHECK(in.value("X-Session-Set") == "(absent)");
  client.send(get("/", "Cookie: a=1; session=" + cookie + "\r\nX-Session-Name: forged\r\n"));
  stream = server.accept();
  CHECK(server.at(stream).value("x-session-name") == "Ada");
  CHECK(server.at(stream).value("cookie") == "a=1");
  server.answer(stream, "ok");
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a body without a length, and trailers, reach a client that takes them",
          "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/", "TE: trailers\r\nConnection: TE\r\n"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "200"}, {"trailer", "x-sum"}}, false) +
              h2::data(stream, "one", false));
  CHECK(client.read_until("one").find("200") != std::string::npos);
  server.send(h2::data(stream, "two", false) +
              h2::headers(stream, {{"x-sum", "7"}, {"x-session-name", "forged"},
                                   {"set-cookie", "session=forged"}}));
  const std::string rest = client.read_until("7\r\n");
  CHECK(rest.find("two") != std::string::npos);
  CHECK(rest.find("forged") == std::string::npos);
}

TEST_CASE("an answer of a head alone has no body", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "200"}}));
  const Message response = client.read_response();
  CHECK(response.status() == 200);
  CHECK(response.body.empty());
  client.send("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  stream = server.accept();
  server.send(h2::headers(stream, {{":status", "200"}, {"content-length", "5"}}));
  CHECK(client.read_response(true).value("Content-Length") == "5");
  client.send(get("/"));
  stream = server.accept();
  server.send(h2::headers(stream, {{":status", "304"}}));
  CHECK(client.read_response().status() == 304);
}

TEST_CASE("interim responses pass, 100 (Continue) does not", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "100"}}, false) +
              h2::headers(stream, {{":status", "103"}, {"link", "</a>"}}, false));
  const Message hint = client.read_response();
  CHECK(hint.status() == 103);
  CHECK(hint.value("Link") == "</a>");
  server.answer(stream, "ok");
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("both ways stream at once", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\none\r\n");
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.until([&] { return server.at(stream).body == "one"; });
  server.send(h2::headers(stream, {{":status", "200"}}, false) + h2::data(stream, "ONE", false));
  client.read_until("ONE");
  client.send("3\r\ntwo\r\n");
  server.until([&] { return server.at(stream).body == "onetwo"; });
  server.send(h2::data(stream, "TWO", false));
  client.read_until("TWO");
  client.send("0\r\n\r\n");
  CHECK(server.finish(stream).ended);
  server.send(h2::data(stream, "END"));
  client.read_until("END");
}

namespace {

// A server that reads on only when its answer is written, as many do.
void echo(Backend& backend, std::size_t size, std::optional<Http2Server>& kept) {
  Http2Server& server = kept.emplace(backend.accept());
  const std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "200"}}, false));
  for (std::size_t echoed = 0; echoed < size;) {
    server.until([&] { return !server.at(stream).body.empty(); });
    std::string& body = server.at(stream).body;
    const std::string piece = body.substr(0, Http2Server::kFrame);
    body.erase(0, piece.size());
    server.until([&] { return server.at(stream).credit + 65'535 >= echoed + piece.size(); });
    echoed += piece.size();
    server.send(h2::data(stream, piece, echoed == size));
  }
}

constexpr std::size_t kLarge = 4 * 1024 * 1024;

}  // namespace

TEST_CASE("four megabytes of an HTTP/1 client go up and come down at once",
          "[wire][http2_backend][http1]") {
  Http2World world;
  std::optional<Http2Server> kept;
  std::thread server{[&] { echo(world.backend, kLarge, kept); }};
  Link client = world.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + std::to_string(kLarge) +
              "\r\n\r\n");
  const std::string block(64 * 1024, '#');
  std::size_t sent = 0;
  std::size_t received = 0;
  std::string bytes;
  const auto end = std::chrono::steady_clock::now() + kGuard;
  while (received < kLarge && std::chrono::steady_clock::now() < end) {
    sent += client.send_some(std::string_view{block}.substr(0, std::min(block.size(), kLarge - sent)));
    if (client.readable(1ms)) {
      bytes.clear();
      client.drain_into(bytes);
      received += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '#'));
    }
  }
  CHECK(sent == kLarge);
  CHECK(received == kLarge);
  server.join();
}

TEST_CASE("four megabytes of an HTTP/2 client go up and come down at once",
          "[wire][http2_backend][http1]") {
  Http2World world;
  std::optional<Http2Server> kept;
  std::thread server{[&] { echo(world.backend, kLarge, kept); }};
  Http2Client client{world.proxy};
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, h2::request("POST", "/"), false));
  const std::string block(16 * 1024, '#');
  for (std::size_t sent = 0; sent < kLarge; sent += block.size()) {
    client.until([&] {
      return std::min(client.at(0).credit, client.at(stream).credit) + 65'535 >=
             sent + block.size();
    });
    client.send(h2::data(stream, block, sent + block.size() == kLarge));
  }
  CHECK(client.finish(stream).body.size() == kLarge);
  server.join();
}
