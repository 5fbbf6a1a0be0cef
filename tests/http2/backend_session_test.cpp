#include "http2/backend_session.hpp"

#include "http2/backend_peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::string_literals;

namespace {

const http2::Fields kOk{{":status", "200"}};

std::string text_of(const BackendTestStream& stream) {
  return std::string{stream.memory.bytes()};
}

}  // namespace

TEST_CASE("a connection to a backend begins with the preface and refuses pushes",
          "[http2][backend]") {
  BackendPeer peer;
  peer.read();
  CHECK(peer.preface_seen());
  REQUIRE(peer.frames.size() == 2);
  CHECK(peer.frames[0].payload ==
        http2::settings({{2, 0}, {4, 65'536}, {6, 16'384}, {9, 1}}).substr(9));
  CHECK(peer.frames[1].type == http2::kWindowUpdate);
  CHECK(peer.frames[1].u32() == 0x7fffffffU - 65'535);
}

TEST_CASE("no stream is opened before the backend's first SETTINGS", "[http2][backend]") {
  BackendPeer peer;
  CHECK(peer.session().room() == 0);
  std::string head = "GET / HTTP/1.1\r\n\r\n";
  CHECK_FALSE(peer.session().open(peer.add(), head, false, {}, true));
  peer.send(http2::settings({{3, 2}}));
  CHECK(peer.session().ready());
  CHECK(peer.session().room() == 2);
}

TEST_CASE("the text of a request becomes fields and pseudo-fields", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  peer.request(
      "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Session-User: mia\r\nCookie: a=1; b=2\r\n"
      "Connection: TE\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\n"
      "Upgrade: h2c\r\n\r\n");
  REQUIRE(peer.fields.size() == 1);
  CHECK(peer.fields[0] == http2::Fields{{":authority", "shop.example"},
                                        {":method", "GET"},
                                        {":scheme", "http"},
                                        {":path", "/a?b=c"},
                                        {"x-session-user", "mia"},
                                        {"cookie", "a=1; b=2"},
                                        {"te", "trailers"}});
  CHECK(peer.find(http2::kHeaders, 1)->end_stream());
}

TEST_CASE("text that is no head opens no stream", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  for (const char* text : {"GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.0\r\n\r\n", "GET\r\n\r\n",
                           "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                           "GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", ""}) {
    std::string head = text;
    CHECK_FALSE(peer.session().open(peer.add(), head, false, {}, true));
  }
  CHECK(peer.session().open_streams() == 0);
}

TEST_CASE("a response's fields become the text of a head, its body follows", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, {{":status", "200"}, {"content-type", "text/plain"}}, false));
  CHECK(stream.answered);
  CHECK_FALSE(stream.ended);
  peer.send(http2::data(1, "hello"));
  CHECK(text_of(stream) == "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nhello");
  CHECK(stream.ended);
  CHECK(stream.closed);
  CHECK(stream.code == 0);
  peer.release(stream);
  CHECK(peer.session().open_streams() == 0);
  CHECK(peer.count(http2::kRst) == 0);
}

TEST_CASE("interim heads come before the final one", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, {{":status", "103"}, {"link", "</a>"}}, false) +
            http2::headers(1, {{":status", "299"}}));
  CHECK(text_of(stream) == "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 299 \r\n\r\n");
  CHECK(stream.ended);
}

TEST_CASE("trailers are kept apart from the body", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, kOk, false) + http2::data(1, "x", false) +
            http2::headers(1, {{"grpc-status", "0"}, {"grpc-message", ""}}));
  CHECK(stream.trailers == "grpc-status: 0\r\ngrpc-message: \r\n");
  CHECK(text_of(stream).ends_with("\r\n\r\nx"));
  CHECK(stream.ended);
}

TEST_CASE("a malformed response is a fault of its stream alone", "[http2][backend]") {
  const std::vector<http2::Fields> bad{
      {{":status", "20"}},
      {{":status", "200"}, {":status", "200"}},
      {{"a", "b"}},
      {{":status", "200"}, {"A", "b"}},
      {{":status", "200"}, {"a b", "c"}},
      {{":status", "200"}, {"a", "b\r\nc: d"}},
      {{":status", "200"}, {"a", "b\nc"}},
      {{":status", "200"}, {"a", "b\0c"s}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"upgrade", "h2c"}},
      {{":status", "200"}, {"content-length", "5"}},
      {{":status", "200"}, {"content-length", "1"}, {"content-length", "1"}},
      {{":status", "101"}},
      {{":status", "200"}, {":path", "/"}},
  };
  for (const http2::Fields& fields : bad) {
    BackendPeer peer;
    peer.open();
    BackendTestStream& stream = peer.get();
    BackendTestStream& other = peer.get();
    peer.send(http2::headers(1, fields));
    INFO(fields.back().first << ": " << fields.back().second);
    CHECK(stream.fault == Fault::BackendBadResponse);
    CHECK_FALSE(stream.ended);
    CHECK(stream.memory.empty());
    CHECK(peer.find(http2::kRst, 1)->u32() == 1);
    peer.send(http2::headers(3, kOk));
    CHECK(other.ended);
  }
}

TEST_CASE("a body of another length than was announced is a fault", "[http2][backend]") {
  for (const std::string& body : {"1234"s, "123456"s}) {
    BackendPeer peer;
    peer.open();
    BackendTestStream& stream = peer.get();
    peer.send(http2::headers(1, {{":status", "200"}, {"content-length", "5"}}, false) +
              http2::data(1, body));
    CHECK(stream.fault == Fault::BackendBadResponse);
    CHECK_FALSE(stream.ended);
    CHECK(peer.find(http2::kRst, 1)->u32() == 1);
  }
}

TEST_CASE("a head beyond the limits is a fault of its own kind", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  stream.limits.bytes = 1000;
  peer.send(http2::headers(1, {{":status", "200"}, {"a", std::string(980, 'x')}}, false));
  CHECK(stream.fault == Fault::BackendHeadTooLarge);
  BackendTestStream& lines = peer.get();
  http2::Fields many = kOk;
  for (unsigned i = 0; i < 101; ++i) {
    many.emplace_back("a", "b");
  }
  peer.send(http2::headers(3, many));
  CHECK(lines.fault == Fault::BackendHeadTooLarge);
}

TEST_CASE("a body cut short is closed without an end", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, kOk, false) + http2::data(1, "half", false) + http2::rst(1, 2));
  CHECK(stream.closed);
  CHECK_FALSE(stream.ended);
  CHECK_FALSE(stream.refused);
  CHECK(stream.code == 2);
}

TEST_CASE("a lost connection closes every stream without an end", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, kOk, false));
  peer.session().lose("it is gone");
  CHECK(peer.session().over() == BackendSession::Over::Ended);
  CHECK(stream.closed);
  CHECK_FALSE(stream.ended);
  CHECK(peer.session().take_news() == &stream);
}

TEST_CASE("a refused stream may be sent again, one that was answered may not", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& refused = peer.get();
  BackendTestStream& answered = peer.get();
  peer.send(http2::rst(1, 7) + http2::headers(3, kOk, false) + http2::rst(3, 7));
  CHECK(refused.refused);
  CHECK_FALSE(answered.refused);
}

TEST_CASE("GOAWAY ends the taking of streams and refuses those beyond its number",
          "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& first = peer.get();
  BackendTestStream& second = peer.get();
  peer.send(http2::goaway(1));
  CHECK(peer.session().closing());
  CHECK(peer.session().room() == 0);
  CHECK(second.refused);
  CHECK_FALSE(first.closed);
  peer.send(http2::headers(1, kOk));
  CHECK(first.ended);
  peer.release(first);
  peer.release(second);
  CHECK(peer.session().over() == BackendSession::Over::Ended);
}

TEST_CASE("the backend's limit of streams is obeyed, also when it changes", "[http2][backend]") {
  BackendPeer peer;
  peer.open({{3, 2}});
  BackendTestStream& first = peer.get();
  peer.get();
  CHECK(peer.session().room() == 0);
  std::string head = "GET / HTTP/1.1\r\n\r\n";
  CHECK_FALSE(peer.session().open(peer.add(), head, false, {}, true));
  peer.send(http2::headers(1, kOk));
  peer.release(first);
  CHECK(peer.session().room() == 1);
  peer.send(http2::settings({{3, 0}}));
  CHECK(peer.session().room() == 0);
  peer.send(http2::settings({{3, 5}}));
  CHECK(peer.session().room() == 4);
}

TEST_CASE("a request's body waits for the backend's window", "[http2][backend]") {
  BackendPeer peer;
  peer.open({{4, 10}});
  const std::string body = "0123456789abcdef";
  BackendTestStream& stream =
      peer.request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n", body, false);
  CHECK(peer.body_of(1) == "0123456789");
  CHECK(stream.taken == 10);
  CHECK_FALSE(peer.session().sent(stream));
  peer.send(http2::window_update(1, 100));
  CHECK(peer.body_of(1) == body);
  CHECK(peer.session().sent(stream));
  CHECK(peer.session().send(stream, "last", true));
  CHECK(peer.session().sent(stream));
  peer.read();
  CHECK(peer.body_of(1) == body + "last");
  CHECK(peer.frames.back().end_stream());
  CHECK_FALSE(peer.session().send(stream, "more", true));
}

TEST_CASE("a body's credit is returned when it was consumed, for its stream alone",
          "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& slow = peer.get();
  BackendTestStream& fast = peer.get();
  const std::string piece(16'384, 'x');
  peer.send(http2::headers(1, kOk, false) + http2::headers(3, kOk, false));
  for (unsigned i = 0; i < 4; ++i) {
    peer.send(http2::data(1, piece, false) + http2::data(3, piece, false));
  }
  CHECK(peer.find(http2::kWindowUpdate, 3) == nullptr);
  fast.memory.consume(fast.memory.size());
  peer.session().credit(fast);
  peer.session().credit(slow);
  peer.read();
  CHECK(peer.find(http2::kWindowUpdate, 3)->u32() == 65'536);
  CHECK(peer.find(http2::kWindowUpdate, 1) == nullptr);
}

TEST_CASE("more than the window is the backend's fault", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, kOk, false));
  for (unsigned i = 0; i < 5; ++i) {
    peer.send(http2::data(1, std::string(16'384, 'x'), false));
  }
  CHECK(stream.closed);
  CHECK_FALSE(stream.ended);
  CHECK(stream.memory.size() <= 65'536 + 64);
}

TEST_CASE("what its owner gives up is cancelled and takes nothing more", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::headers(1, kOk, false));
  peer.release(stream);
  CHECK(peer.find(http2::kRst, 1)->u32() == 8);
  CHECK(peer.session().open_streams() == 0);
  peer.send(http2::data(1, "late", false));
  CHECK(peer.session().over() == BackendSession::Over::No);
}

TEST_CASE("cancels are bounded, and a stream that waits for its own counts as open",
          "[http2][backend]") {
  BackendPeer peer;
  peer.open({{3, 1000}});
  for (unsigned i = 0; i < 150; ++i) {
    peer.release(peer.get());
  }
  CHECK(peer.count(http2::kRst) == 100);
  CHECK(peer.session().open_streams() == 50);
  CHECK(peer.session().room() == 950);
  peer.cancel_waiting();
  CHECK(peer.count(http2::kRst) == 100);
  peer.pass(std::chrono::milliseconds{1000});
  peer.cancel_waiting();
  CHECK(peer.count(http2::kRst) == 120);
  // Those that end by themselves need no cancel.
  peer.send(http2::headers(299, kOk));
  CHECK(peer.session().open_streams() == 29);
}

TEST_CASE("a ping is answered or not", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  peer.session().ping();
  peer.read();
  CHECK(peer.session().awaits_ping());
  CHECK(peer.count(http2::kPing) == 1);
  peer.send(http2::frame(http2::kPing, http2::kAck, 0, std::string(8, '\0')));
  CHECK_FALSE(peer.session().awaits_ping());
}

TEST_CASE("a push ends the connection", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.get();
  peer.send(http2::frame(http2::kPushPromise, http2::kEndHeaders, 1,
                         http2::number(2, 4) + http2::literals(http2::get())));
  CHECK(peer.session().over() == BackendSession::Over::Failed);
  CHECK(stream.closed);
}

TEST_CASE("an answer of HTTP/1 ends the connection", "[http2][backend]") {
  BackendPeer peer;
  peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  CHECK(peer.session().over() == BackendSession::Over::Failed);
  CHECK_FALSE(peer.session().ready());
  CHECK_FALSE(peer.session().reason().empty());
}

TEST_CASE("an early response ends before its request and is no fault", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.request("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "x", false);
  peer.send(http2::headers(1, {{":status", "413"}}) + http2::rst(1, 0));
  CHECK(stream.ended);
  CHECK(stream.closed);
  CHECK(stream.fault == Fault::None);
  CHECK_FALSE(peer.session().send(stream, "y", true));
}

TEST_CASE("frames behind the end of a response leave the response whole", "[http2][backend]") {
  BackendPeer peer;
  peer.open();
  BackendTestStream& stream = peer.request("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "x", false);
  peer.send(http2::headers(1, {{":status", "200"}}) + http2::headers(1, {{":status", "200"}}));
  CHECK(stream.ended);
  CHECK(stream.fault == Fault::None);
}
