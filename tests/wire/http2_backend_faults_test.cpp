// What a backend that speaks HTTP/2 does wrong, or refuses, and what becomes of its connections.

#include <thread>

#include "support/catch.hpp"
#include "wire/http2_backend_world.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;
namespace h2 = keepsake::test::http2;

namespace {
constexpr std::uint32_t kRefused = 7;
constexpr std::uint32_t kCancel = 8;
constexpr unsigned kMaxStreams = 3;  // SETTINGS_MAX_CONCURRENT_STREAMS

std::string post(std::string_view body) {
  return "POST /post HTTP/1.1\r\nHost: a.example\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}
}  // namespace

TEST_CASE("a response that breaks off is never shown as whole", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  SECTION("reset behind a body without a length") {
    server.send(h2::headers(stream, {{":status", "200"}}, false) + h2::data(stream, "half", false));
    client.read_until("half");
    server.send(h2::rst(stream, 2));
    CHECK(client.read_rest().bytes.find("\r\n0\r\n") == std::string::npos);
  }
  SECTION("reset in a body with a length") {
    server.send(h2::headers(stream, {{":status", "200"}, {"content-length", "8"}}, false) +
                h2::data(stream, "half", false));
    client.read_until("half");
    server.send(h2::rst(stream, 2));
    CHECK(client.read_rest().bytes.empty());
  }
  SECTION("all bytes, but no end") {
    server.send(h2::headers(stream, {{":status", "200"}, {"content-length", "8"}}, false) +
                h2::data(stream, "12345678", false));
    client.read_until("1234567");
    server.send(h2::rst(stream, 2));
    CHECK(client.read_rest().bytes.empty());
  }
  SECTION("an end before its length") {
    server.send(h2::headers(stream, {{":status", "200"}, {"content-length", "8"}}, false) +
                h2::data(stream, "half", false));
    client.read_until("half");
    server.send(h2::data(stream, "", true));
    CHECK(client.read_rest().bytes.empty());
  }
  SECTION("more than its length") {
    server.send(h2::headers(stream, {{":status", "200"}, {"content-length", "4"}}, false) +
                h2::data(stream, "hal", false));
    client.read_until("hal");
    server.send(h2::data(stream, "f and more", true));
    CHECK(client.read_rest().bytes.empty());
  }
  SECTION("the connection closes") {
    server.send(h2::headers(stream, {{":status", "200"}}, false) + h2::data(stream, "half", false));
    client.read_until("half");
    server.link().close();
    CHECK(client.read_rest().bytes.find("\r\n0\r\n") == std::string::npos);
  }
}

TEST_CASE("an answer that breaks the rules is a 502, and its connection goes on",
          "[wire][http2_backend]") {
  const h2::Fields head = GENERATE(
      h2::Fields{{"x", "no status"}}, h2::Fields{{":status", "20"}}, h2::Fields{{":status", "101"}},
      h2::Fields{{":status", "200"}, {"Upper", "case"}},
      h2::Fields{{":status", "200"}, {"connection", "close"}},
      h2::Fields{{":status", "200"}, {"transfer-encoding", "chunked"}},
      h2::Fields{{":status", "200"}, {"a", "b\r\nc: d"}},
      h2::Fields{{":status", "200"}, {"content-length", "5"}, {"content-length", "6"}},
      h2::Fields{{":status", "200"}, {":status", "200"}},
      h2::Fields{{":status", "200"}, {"a", std::string(40'000, 'a')}, {"b", std::string(40'000, 'b')}});
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  // A large head takes more than one frame.
  const std::string block = h2::literals(head);
  constexpr std::size_t kFrame = 16'384;
  std::string frames = h2::frame(h2::kHeaders, block.size() <= kFrame ? unsigned{h2::kEndHeaders} : 0U,
                                 stream, block.substr(0, kFrame));
  for (std::size_t at = kFrame; at < block.size(); at += kFrame) {
    frames += h2::frame(h2::kContinuation, at + kFrame >= block.size() ? unsigned{h2::kEndHeaders} : 0U,
                        stream, block.substr(at, kFrame));
  }
  server.send(frames);
  CHECK(client.read_response().status() == 502);
  server.until([&] { return server.at(stream).reset; });
  client.send(get("/next"));
  const std::uint32_t next = server.accept();
  server.answer(next, "fine");
  CHECK(client.read_response().body == "fine");
}

TEST_CASE("a refused stream is sent once more, whatever its method", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(post("body"));
  Http2Server server = world.accept();
  const std::uint32_t first = server.accept();
  server.finish(first);
  server.send(h2::rst(first, kRefused));
  const std::uint32_t second = server.accept();
  CHECK(server.finish(second).body == "body");
  SECTION("and answered") {
    server.answer(second, "ok");
    CHECK(client.read_response().body == "ok");
  }
  SECTION("but no third time") {
    server.send(h2::rst(second, kRefused));
    CHECK(client.read_response().status() == 502);
  }
}

TEST_CASE("a stream that was looked at is not sent again unless that is safe",
          "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(post("body"));
  Http2Server server = world.accept();
  const std::uint32_t first = server.accept();
  server.finish(first);
  server.send(h2::rst(first, 2));
  CHECK(client.read_response().status() == 502);
}

TEST_CASE("streams that a GOAWAY leaves out go to a new connection", "[wire][http2_backend]") {
  Http2World world;
  Link one = world.proxy.connect();
  Link two = world.proxy.connect();
  one.send(post("one"));
  Http2Server server = world.accept();
  const std::uint32_t first = server.accept();
  server.finish(first);
  two.send(post("two"));
  const std::uint32_t second = server.accept();
  server.finish(second);
  server.send(h2::goaway(first));
  Http2Server next = world.accept();
  const std::uint32_t again = next.accept();
  CHECK(next.finish(again).body == "two");
  next.answer(again, "TWO");
  CHECK(two.read_response().body == "TWO");
  // The one that it took is answered on the old connection, which then ends.
  server.answer(first, "ONE");
  CHECK(one.read_response().body == "ONE");
  one.send(get("/later"));
  const std::uint32_t later = next.accept();
  next.answer(later, "later");
  CHECK(one.read_response().body == "later");
  CHECK_FALSE(server.link().read_rest().reset);
}

TEST_CASE("no more streams than the server allows; then another connection is made",
          "[wire][http2_backend]") {
  Http2World world;
  Link one = world.proxy.connect();
  one.send(get("/1"));
  Http2Server server = world.accept({{kMaxStreams, 1}});
  const std::uint32_t first = server.accept();
  Link two = world.proxy.connect();
  two.send(get("/2"));
  Http2Server other = world.accept({{kMaxStreams, 1}});
  const std::uint32_t second = other.accept();
  CHECK(other.at(second).path() == "/2");
  server.answer(first, "1");
  other.answer(second, "2");
  CHECK(one.read_response().body == "1");
  CHECK(two.read_response().body == "2");
  one.send(get("/3"));
  const std::uint32_t third = server.accept();
  server.answer(third, "3");
  CHECK(one.read_response().body == "3");
}

TEST_CASE("a client that leaves cancels its stream and no other", "[wire][http2_backend][http1]") {
  Http2World world;
  Http2Client client{world.proxy};
  const std::uint32_t stays = client.ask(h2::get("/stays"));
  Http2Server server = world.accept();
  const std::uint32_t first = server.accept();
  const std::uint32_t leaves = client.ask(h2::get("/leaves"));
  const std::uint32_t second = server.accept();
  client.send(h2::rst(leaves));
  CHECK(server.finish(second).ended);
  server.until([&] { return server.at(second).reset; });
  CHECK(server.at(second).code == kCancel);
  CHECK_FALSE(server.at(first).reset);
  server.answer(first, "ok");
  CHECK(client.finish(stays).body == "ok");
}

TEST_CASE("cancels are bounded in each second", "[wire][http2_backend][http1]") {
  constexpr unsigned kAtOnce = 100;
  Http2World world{"limits: {streams: 200}\ntrusted_proxies: [127.0.0.1]\n"};
  Http2Client client{world.proxy};
  std::string bytes;
  std::vector<std::uint32_t> streams;
  for (unsigned i = 0; i < kAtOnce + 30; ++i) {
    streams.push_back(client.open());
    bytes += h2::headers(streams.back(), h2::get("/" + std::to_string(i)));
  }
  client.send(bytes);
  Http2Server server = world.accept({{kMaxStreams, 1000}});
  std::vector<std::uint32_t> opened;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    opened.push_back(server.accept());
  }
  bytes.clear();
  for (const std::uint32_t stream : streams) {
    bytes += h2::rst(stream);
  }
  client.send(bytes);
  const auto cancelled = [&] {
    unsigned count = 0;
    for (const std::uint32_t stream : opened) {
      count += server.at(stream).reset ? 1U : 0U;
    }
    return count;
  };
  server.until([&] { return cancelled() >= kAtOnce; });
  CHECK(cancelled() == kAtOnce);
  world.proxy.advance(1s);
  server.until([&] { return cancelled() >= kAtOnce + 20; });
  world.proxy.advance(1s);
  server.until([&] { return cancelled() == streams.size(); });
}

TEST_CASE("an early answer ends the upload", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\nsome");
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.until([&] { return server.at(stream).body == "some"; });
  server.send(h2::headers(stream, {{":status", "413"}, {"content-length", "5"}}, false) +
              h2::data(stream, "large") + h2::rst(stream, 0));
  const Message response = client.read_response();
  CHECK(response.status() == 413);
  CHECK(response.body == "large");
}

TEST_CASE("half a request body never ends a stream", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 8\r\n\r\nhalf");
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.until([&] { return server.at(stream).body == "half"; });
  client.reset();
  CHECK(server.finish(stream).reset);
  CHECK_FALSE(server.at(stream).ended);
}

TEST_CASE("a client that reads nothing does not hold up the others of its connection",
          "[wire][http2_backend][http1]") {
  Http2World world;
  Http2Client slow{world.proxy};
  slow.give_credit(false);
  const std::uint32_t large = slow.ask(h2::get("/large"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  server.send(h2::headers(stream, {{":status", "200"}}, false));
  const std::string piece(16'384, 'x');
  std::size_t sent = 0;
  // What the client's window takes, and a stream's window behind it.
  for (int i = 0; i < 8; ++i) {
    if (server.at(stream).credit + 65'536 < sent + piece.size()) {
      server.read_what_is_there();
      continue;
    }
    server.send(h2::data(stream, piece, false));
    sent += piece.size();
  }
  slow.until([&] { return slow.at(large).body.size() >= 65'535; });
  Link other = world.proxy.connect();
  for (int i = 0; i < 3; ++i) {
    other.send(get("/small"));
    const std::uint32_t small = server.accept();
    server.answer(small, std::string(60'000, 'y'));
    CHECK(other.read_response().body.size() == 60'000);
  }
}

TEST_CASE("a server that speaks HTTP/1 is told apart", "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Link link = world.backend.accept();
  link.read_exactly(24);
  link.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_response().status() == 502);
  CHECK(world.proxy.log().find("no HTTP/2") != std::string::npos);
}

TEST_CASE("a server that says nothing is given up after the time to connect",
          "[wire][http2_backend]") {
  Http2World world;
  Link client = world.proxy.connect();
  client.send(get("/"));
  Link link = world.backend.accept();
  link.read_exactly(24);
  world.proxy.advance_until(500ms, [&] { return client.readable(); });
  CHECK(client.read_response().status() == 502);
}

TEST_CASE("a silent server is given up after its time to answer", "[wire][http2_backend]") {
  Http2World world{"timeouts: {response: 5s}\n"};
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  const std::uint32_t stream = server.accept();
  world.proxy.advance_until(500ms, [&] { return client.readable(); });
  CHECK(client.read_response().status() == 504);
  server.until([&] { return server.at(stream).reset; });
}

TEST_CASE("an idle connection is asked whether it stands, and given up without an answer",
          "[wire][http2_backend]") {
  Http2World world{"", ", keepalive: {idle: 4, idle_timeout: 10m}"};
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  server.answer(server.accept(), "ok");
  client.read_response();
  world.proxy.advance(21s);
  server.until([&] { return server.pings() == 1; });
  world.proxy.connections();  // it has read the answer
  world.proxy.advance(6s);
  server.read_what_is_there();
  server.answer_pings(false);
  world.proxy.advance(20s);
  server.until([&] { return server.pings() == 2; });
  world.proxy.advance(6s);
  server.link().read_rest();
  client.send(get("/again"));
  Http2Server next = world.accept();
  next.answer(next.accept(), "again");
  CHECK(client.read_response().body == "again");
}

TEST_CASE("an idle connection ends in order after its time", "[wire][http2_backend]") {
  Http2World world{"", ", keepalive: {idle: 4, idle_timeout: 10s}"};
  Link client = world.proxy.connect();
  client.send(get("/"));
  Http2Server server = world.accept();
  server.answer(server.accept(), "ok");
  client.read_response();
  world.proxy.advance(11s);
  server.until([&] { return server.went_away(); });
  CHECK_FALSE(server.link().read_rest().reset);
}
