#include "http2/session.hpp"

#include "http2/peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::string_literals;

namespace {

std::string response(const std::string& lines = "") {
  return "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("a session sends its settings first and opens the connection's window", "[http2]") {
  Peer peer;
  peer.read();
  REQUIRE(peer.frames.size() == 2);
  CHECK(peer.frames[0].type == http2::kSettings);
  CHECK(peer.frames[0].payload ==
        http2::settings({{3, 100}, {4, 65'536}, {6, 16'384}, {9, 1}, {8, 1}}).substr(9));
  CHECK(peer.frames[1].type == http2::kWindowUpdate);
  CHECK(peer.frames[1].u32() == 1'048'576 - 65'535);
}

TEST_CASE("a preface, settings and a request are understood however they are cut", "[http2]") {
  const std::string bytes = http2::opening() + http2::headers(1, http2::get("/x"));
  Peer whole;
  whole.send(bytes);
  CHECK(whole.stream(1).seen.head);
  CHECK(whole.session().settings_acknowledged());
  Peer peer;
  for (const char byte : bytes) {
    peer.send({&byte, 1});
  }
  CHECK(peer.stream(1).seen.head);
  CHECK(peer.stream(1).request.start_line == "GET /x HTTP/1.1\r\n");
}

TEST_CASE("a wrong preface ends the connection", "[http2]") {
  Peer peer;
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(peer.session().over() == Http2Session::Over::Failed);
  CHECK(peer.goaway_code() == 1);
  CHECK(peer.session().reason() == "bad preface");
}

TEST_CASE("a request and its response are one stream", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get("/a?b", {{"accept", "*/*"}})));
  TestStream& stream = peer.stream(1);
  CHECK(stream.seen.head);
  CHECK(stream.ended);
  CHECK(stream.fault == Fault::None);
  CHECK(stream.request.fields.size() == 2);
  std::string head = response("Content-Type: text/plain\r\nContent-Length: 5\r\n");
  CHECK(peer.session().respond(stream, head, "hello", true));
  CHECK(peer.session().sent(stream));
  peer.read();
  CHECK(peer.fields_of(1) ==
        http2::Fields{{":status", "200"}, {"content-type", "text/plain"}, {"content-length", "5"}});
  CHECK(peer.body_of(1) == "hello");
  CHECK(peer.find(http2::kData, 1)->end_stream());
  CHECK(stream.seen.closed);
  CHECK(stream.code == 0);
  peer.session().release(stream);
  CHECK(peer.session().open_streams() == 0);
}

TEST_CASE("a response without a body ends with its head", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("HEAD", "/")));
  std::string head = response("Content-Length: 10\r\n");
  CHECK(peer.session().respond(peer.stream(1), head, {}, true));
  peer.read();
  CHECK(peer.find(http2::kHeaders, 1)->end_stream());
  CHECK(peer.find(http2::kData, 1) == nullptr);
}

TEST_CASE("a body comes in pieces and is credited when it was taken", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false) +
            http2::data(1, std::string(10'000, 'a'), false));
  TestStream& stream = peer.stream(1);
  CHECK(stream.buffered() == 10'000);
  CHECK_FALSE(stream.ended);
  peer.send(http2::data(1, std::string(16'384, 'b'), false) +
            http2::data(1, std::string(16'384, 'c')));
  CHECK(stream.ended);
  CHECK(stream.received == 42'768);
  CHECK(peer.find(http2::kWindowUpdate, 1) == nullptr);
  stream.refill();
  CHECK(stream.in.size() == 42'768);
  stream.in.consume(42'768);
  peer.session().credit(stream, 42'768);
}

TEST_CASE("credit is returned in one update for many pieces", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false));
  TestStream& stream = peer.stream(1);
  for (unsigned i = 0; i < 4; ++i) {
    peer.send(http2::data(1, std::string(16'384, 'a'), false));
  }
  for (unsigned i = 0; i < 65'536 / 128; ++i) {
    stream.in.consume(128);
    peer.session().credit(stream, 128);
  }
  peer.read();
  unsigned updates = 0;
  std::uint32_t credit = 0;
  for (const http2::Frame& frame : peer.frames) {
    if (frame.type == http2::kWindowUpdate && frame.stream == 1) {
      ++updates;
      credit += frame.u32();
    }
  }
  CHECK(updates <= 3);
  CHECK(credit >= 65'536);
}

TEST_CASE("not a byte more than the window is taken", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false));
  for (unsigned i = 0; i < 4; ++i) {
    peer.send(http2::data(1, std::string(16'384, 'a'), false));
  }
  CHECK(peer.stream(1).buffered() == 65'536);
  peer.send(http2::data(1, "x", false));
  CHECK(peer.stream(1).buffered() == 65'536);
  CHECK(peer.stream(1).seen.closed);
}

TEST_CASE("a request and its reset in one read are told together", "[http2]") {
  Peer peer;
  peer.open();
  peer.session().feed(http2::headers(1, http2::get()) + http2::rst(1), SteadyTime{});
  Http2StreamState* state = peer.session().next_news();
  REQUIRE(state != nullptr);
  const StreamNews news = peer.session().take_news(*state);
  CHECK(news.head);
  CHECK(news.closed);
  CHECK(state->reset_by_peer);
  CHECK(state->code == 8);
  CHECK(peer.session().next_news() == nullptr);
}

TEST_CASE("streams that the owner has no place for are refused", "[http2]") {
  Peer peer;
  peer.open();
  peer.refuse = true;
  peer.send(http2::headers(1, http2::get()) +
            http2::headers(3, http2::request("POST", "/"), false) + http2::data(3, "abc"));
  CHECK(peer.reset_code(1) == 7);
  CHECK(peer.reset_code(3) == 7);
  CHECK(peer.counts.resets_sent.get(Http2Code::RefusedStream) == 2);
  CHECK(peer.session().over() == Http2Session::Over::No);
  peer.refuse = false;
  peer.send(http2::headers(5, http2::get()));
  CHECK(peer.stream(5).seen.head);
}

TEST_CASE("interim responses go before the final one and do not end the stream", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  TestStream& stream = peer.stream(1);
  std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  CHECK(peer.session().respond_interim(stream, early));
  CHECK(peer.session().respond_interim(stream, early));
  peer.answer(1);
  CHECK(http2::value_of(peer.fields_of(1, 0), ":status") == "103");
  CHECK(http2::value_of(peer.fields_of(1, 1), "link") == "</a.css>");
  CHECK(http2::value_of(peer.fields_of(1, 2), ":status") == "200");
  CHECK(peer.body_of(1) == "ok");
}

TEST_CASE("a response in pieces waits for each of them", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  TestStream& stream = peer.stream(1);
  std::string head = response();
  CHECK(peer.session().respond(stream, head, {}, false));
  peer.read();
  CHECK(peer.find(http2::kHeaders, 1) != nullptr);
  CHECK(peer.session().send(stream, "one", false));
  CHECK(peer.session().sent(stream));
  peer.read();
  CHECK(peer.body_of(1) == "one");
  CHECK(peer.session().send(stream, "two", false));
  CHECK(peer.session().send(stream, {}, true));
  peer.read();
  CHECK(peer.body_of(1) == "onetwo");
  CHECK(stream.seen.closed);
  CHECK_FALSE(stream.seen.sent);  // was sent at once each time
  CHECK_FALSE(peer.session().send(stream, "three", true));
}

TEST_CASE("trailers end a response", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get("/", {{"te", "trailers"}})));
  TestStream& stream = peer.stream(1);
  std::string head = response();
  peer.session().respond(stream, head, "body", false);
  CHECK(peer.session().send(stream, " and more", true, "Grpc-Status: 0\r\nX-A: b\r\n"));
  peer.read();
  CHECK(peer.body_of(1) == "body and more");
  CHECK(peer.fields_of(1, 1) == http2::Fields{{"grpc-status", "0"}, {"x-a", "b"}});
  CHECK(stream.seen.closed);
  CHECK(peer.session().sent(stream));
}

TEST_CASE("trailers that may not pass leave an ordinary end", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  std::string head = response();
  peer.session().respond(peer.stream(1), head, {}, false);
  CHECK(peer.session().send(peer.stream(1), "x", true, "Content-Length: 1\r\n"));
  peer.read();
  CHECK(peer.find(http2::kData, 1)->end_stream());
  CHECK(peer.stream(1).closed);
}

TEST_CASE("a client is gone when it leaves before its response is complete", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()) + http2::headers(3, http2::get()) +
            http2::headers(5, http2::request("POST", "/"), false));
  peer.send(http2::rst(3));
  peer.answer(1);
  peer.answer(5);
  CHECK_FALSE(peer.stream(1).gone);
  CHECK(peer.stream(3).gone);
  CHECK(peer.stream(3).reset_by_peer);
  CHECK(peer.stream(5).closed);
  CHECK_FALSE(peer.stream(5).gone);
  peer.send(http2::headers(7, http2::get()));
  peer.session().end(Http2Code::NoError, "");
  peer.collect_news();
  CHECK(peer.stream(7).gone);
}

TEST_CASE("what happens is counted by side and code", "[http2]") {
  Peer peer;
  peer.open();
  const http2::Fields fields = http2::get("/", {{"x-a", std::string(100, 'a')}});
  peer.send(http2::headers(1, fields) + http2::headers(3, http2::get()) + http2::rst(3) +
            http2::headers(5, http2::get("/", {{"Upper", "x"}})) + http2::goaway(0, 99));
  peer.answer(1);
  const Http2Counts& counts = peer.counts;
  CHECK(counts.streams.get() == 3);
  CHECK(counts.resets_received.get(Http2Code::Cancel) == 1);
  CHECK(counts.resets_sent.get(Http2Code::ProtocolError) == 1);
  CHECK(counts.goaways_received.get(static_cast<Http2Code>(14)) == 1);
  CHECK(counts.request_text.get() == peer.stream(1).request.size + peer.stream(3).request.size);
  CHECK(counts.request_blocks.get() > 100);
  CHECK(counts.response_text.get() == 38);
  CHECK(counts.response_blocks.get() < 10);
}

TEST_CASE("a client that closes its window holds only its own stream", "[http2]") {
  Peer peer;
  peer.open({{4, 0}});
  peer.send(http2::headers(1, http2::get()) + http2::headers(3, http2::get()));
  std::string head = response();
  peer.session().respond(peer.stream(1), head, "first", true);
  head = response();
  peer.session().respond(peer.stream(3), head, "third", true);
  CHECK_FALSE(peer.session().sent(peer.stream(1)));
  peer.send(http2::window_update(3, 100));
  CHECK(peer.body_of(1).empty());
  CHECK(peer.body_of(3) == "third");
  CHECK(peer.stream(3).seen.sent);
  peer.send(http2::window_update(1, 2));
  CHECK(peer.body_of(1) == "fi");
  CHECK(peer.stream(1).taken == 2);
  CHECK_FALSE(peer.stream(1).seen.sent);
  peer.send(http2::window_update(1, 100));
  CHECK(peer.body_of(1) == "first");
  CHECK(peer.stream(1).seen.sent);
}

TEST_CASE("output is bounded and goes on when it was written", "[http2]") {
  Peer peer;
  peer.open({{4, 10'000'000}});
  peer.send(http2::window_update(0, 10'000'000) + http2::headers(1, http2::get()));
  const std::string body(1'000'000, 'x');
  std::string head = response();
  peer.session().respond(peer.stream(1), head, body, true);
  std::string out;
  CHECK_FALSE(peer.session().sent(peer.stream(1)));
  CHECK_FALSE(peer.session().wants_input());
  CHECK(peer.session().take_output(out));
  CHECK(out.size() <= Http2Session::kMostOutput + 16'384 + 9);
  std::size_t total = out.size();
  while (peer.session().take_output(out)) {
    total += out.size();
  }
  CHECK(total > body.size());
  CHECK(peer.session().sent(peer.stream(1)));
  CHECK(peer.session().wants_input());
}

TEST_CASE("a head does not wait for output that is full of bodies", "[http2]") {
  Peer peer;
  peer.open({{4, 10'000'000}});
  peer.send(http2::window_update(0, 10'000'000) + http2::headers(1, http2::get()) +
            http2::headers(3, http2::get()));
  const std::string body(200'000, 'x');
  std::string head = response();
  peer.session().respond(peer.stream(1), head, body, true);
  std::string second = response("X-Second: yes\r\n");
  CHECK(peer.session().respond(peer.stream(3), second, "small", true));
  second.assign(second.size(), '?');
  peer.read();
  CHECK(http2::value_of(peer.fields_of(3), "x-second") == "yes");
  CHECK(peer.body_of(3) == "small");
  CHECK(peer.body_of(1).size() == body.size());
}

TEST_CASE("responses of equal urgency take turns unless the client says otherwise", "[http2]") {
  const auto order = [](const http2::Fields& more, const std::string& before) {
    Peer peer;
    peer.open({{4, 10'000'000}});
    peer.send(http2::window_update(0, 10'000'000) + before +
              http2::headers(1, http2::get("/", more)) + http2::headers(3, http2::get("/", more)));
    const std::string body(400'000, 'x');
    for (const std::uint32_t id : {1U, 3U}) {
      std::string head = response();
      peer.session().respond(peer.stream(id), head, body, true);
    }
    peer.clear();
    peer.read();
    std::string seen;
    for (const http2::Frame& frame : peer.frames) {
      if (frame.type == http2::kData) {
        seen += std::to_string(frame.stream);
      }
    }
    return seen;
  };
  CHECK(order({}, "").find("131313") != std::string::npos);
  CHECK(order({{"priority", "u=3"}}, "").find("131313") == std::string::npos);
  const std::string update =
      http2::frame(http2::kPriorityUpdate, 0, 0, http2::number(3, 4) + "u=0");
  CHECK(order({}, update).substr(0, 1) == "1");
  CHECK(order({}, update).find("333333") != std::string::npos);
}

TEST_CASE("a response that is complete before its request asks for no more of it", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false) + http2::data(1, "abc", false));
  peer.answer(1, "too large");
  CHECK(peer.body_of(1) == "too large");
  CHECK(peer.find(http2::kData, 1)->end_stream());
  CHECK(peer.reset_code(1) == 0);
  CHECK(peer.stream(1).seen.closed);
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("a cut body is a reset and never an end", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  std::string head = response();
  peer.session().respond(peer.stream(1), head, "half", false);
  peer.session().reset(peer.stream(1), Http2Code::InternalError);
  peer.read();
  CHECK(peer.reset_code(1) == 2);
  for (const http2::Frame& frame : peer.frames) {
    CHECK_FALSE(frame.end_stream());
  }
  CHECK(peer.stream(1).seen.closed);
}

TEST_CASE("a stream that is released in the middle is reset and its memory not touched again",
          "[http2]") {
  Peer peer;
  peer.open({{4, 10'000'000}});
  peer.send(http2::window_update(0, 10'000'000) + http2::headers(1, http2::get()) +
            http2::headers(3, http2::get()));
  auto body = std::make_unique<std::string>(200'000, 'x');
  std::string head = response();
  peer.session().respond(peer.stream(1), head, *body, true);
  peer.session().release(peer.stream(1));
  body.reset();
  peer.streams.erase(peer.streams.begin());
  peer.read();
  CHECK(peer.reset_code(1) == 2);
  CHECK(peer.body_of(1).size() < 100'000);
  peer.answer(3);
  CHECK(peer.body_of(3) == "ok");
}

TEST_CASE("drain takes streams on their way and then no more", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  peer.session().begin_drain();
  peer.read();
  REQUIRE(peer.find(http2::kGoaway, 0) != nullptr);
  CHECK(peer.find(http2::kGoaway, 0)->u32(0) == 0x7fff'ffffU);
  CHECK(peer.goaway_code() == 0);
  peer.send(http2::headers(3, http2::get()));
  CHECK(peer.stream(3).seen.head);
  peer.clear();
  peer.session().finish_drain();
  peer.read();
  CHECK(peer.find(http2::kGoaway, 0)->u32(0) == 3);
  peer.send(http2::headers(5, http2::get()));
  CHECK(peer.streams.size() == 2);
  CHECK_FALSE(peer.session().drained());
  for (const std::uint32_t id : {1U, 3U}) {
    peer.answer(id);
    peer.session().release(peer.stream(id));
  }
  CHECK(peer.session().drained());
}

TEST_CASE("the client's GOAWAY lets its streams go on", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()) + http2::goaway());
  CHECK(peer.session().peer_goes_away());
  CHECK(peer.session().over() == Http2Session::Over::No);
  peer.answer(1);
  CHECK(peer.body_of(1) == "ok");
  CHECK(peer.session().over() == Http2Session::Over::Ended);
}

TEST_CASE("an end closes every stream with the code it was given", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  peer.session().end(Http2Code::SettingsTimeout, "no acknowledgement");
  peer.read();
  CHECK(peer.goaway_code() == 4);
  CHECK(peer.find(http2::kGoaway, 0)->payload.substr(8) == "no acknowledgement");
  CHECK(peer.session().over() == Http2Session::Over::Failed);
  CHECK(peer.stream(1).seen.closed);
  CHECK_FALSE(peer.session().wants_input());
  peer.send(http2::headers(3, http2::get()));
  CHECK(peer.streams.size() == 1);
}

TEST_CASE("a protocol error ends the connection with the library's words", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()) + http2::data(0, "x"));
  CHECK(peer.goaway_code() == 1);
  CHECK(peer.session().over() == Http2Session::Over::Failed);
  CHECK(peer.session().code() == Http2Code::ProtocolError);
  CHECK_FALSE(peer.session().reason().empty());
  CHECK(peer.stream(1).seen.closed);
}

TEST_CASE("a lone upload's window grows to a megabyte, and the connection's with it", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false));
  TestStream& stream = peer.stream(1);
  std::uint64_t window = 65'536;
  std::uint64_t connection = 1'048'576;
  for (unsigned i = 0; i < 400; ++i) {
    REQUIRE(window >= 16'384);
    peer.send(http2::data(1, std::string(16'384, 'a'), false));
    window -= 16'384;
    connection -= 16'384;
    stream.refill();
    stream.in.consume(16'384);
    peer.session().credit(stream, 16'384);
    peer.read();
    for (const http2::Frame& frame : peer.frames) {
      if (frame.type == http2::kWindowUpdate) {
        (frame.stream == 0 ? connection : window) += frame.u32();
      }
    }
    peer.clear();
  }
  CHECK(window >= 500'000);
  CHECK(window <= 1'048'576);
  CHECK(connection >= 1'000'000);
  CHECK(connection <= 2'097'152);
  // All of it may come at once, while the backend stalls; it is held, in order.
  unsigned sent = 0;
  while (window >= 16'384) {
    peer.send(http2::data(1, std::string(16'384, static_cast<char>('a' + sent % 26)), false));
    window -= 16'384;
    ++sent;
  }
  CHECK(stream.buffered() == sent * 16'384);
  for (unsigned i = 0; i < sent; ++i) {
    stream.refill();
    REQUIRE(stream.in.size() >= 16'384);
    CHECK(stream.in.bytes().substr(0, 16'384).find_first_not_of(static_cast<char>('a' + i % 26)) ==
          std::string_view::npos);
    stream.in.consume(16'384);
  }
}

TEST_CASE("two uploads keep their windows", "[http2]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false) +
            http2::headers(3, http2::request("POST", "/"), false));
  for (unsigned i = 0; i < 20; ++i) {
    for (const std::uint32_t id : {1U, 3U}) {
      peer.send(http2::data(id, std::string(16'384, 'a'), false));
      peer.stream(id).in.consume(16'384);
      peer.session().credit(peer.stream(id), 16'384);
    }
  }
  peer.read();
  for (const http2::Frame& frame : peer.frames) {
    if (frame.type == http2::kWindowUpdate && frame.stream != 0) {
      CHECK(frame.u32() <= 65'536);
    }
  }
}

TEST_CASE("what a released stream has not read is credited to the connection", "[http2]") {
  Peer peer;
  peer.open();
  std::uint32_t id = 1;
  for (unsigned i = 0; i < 40; ++i, id += 2) {
    peer.send(http2::headers(id, http2::request("POST", "/"), false));
    for (unsigned n = 0; n < 4; ++n) {
      peer.send(http2::data(id, std::string(16'384, 'a'), false));
    }
    CHECK(peer.stream(id).received == 65'536);
    peer.session().release(peer.stream(id));
  }
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("an extended CONNECT becomes a tunnel of both directions", "[http2][websocket]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1,
                           {{":method", "CONNECT"},
                            {":protocol", "websocket"},
                            {":scheme", "https"},
                            {":path", "/chat"},
                            {":authority", "a.example"},
                            {"sec-websocket-version", "13"}},
                           false));
  TestStream& stream = peer.stream(1);
  REQUIRE(stream.seen.head);
  CHECK(stream.websocket);
  CHECK(stream.request.has(FieldId::SecWebSocketKey));
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  CHECK(peer.session().respond_tunnel(stream, head));
  peer.read();
  CHECK(peer.fields_of(1) == http2::Fields{{":status", "200"}, {"sec-websocket-protocol", "chat"}});
  peer.send(http2::data(1, "from the client", false));
  CHECK(stream.in.bytes() == "from the client");
  CHECK(peer.session().send(stream, "from the backend", false));
  peer.read();
  CHECK(peer.body_of(1) == "from the backend");
}

TEST_CASE("without the setting an extended CONNECT is a broken request", "[http2][websocket]") {
  Http2Session::Settings settings;
  settings.websocket = false;
  Peer peer{settings};
  peer.open();
  peer.send(http2::headers(1,
                           {{":method", "CONNECT"},
                            {":protocol", "websocket"},
                            {":scheme", "https"},
                            {":path", "/chat"},
                            {":authority", "a.example"}},
                           false));
  CHECK(peer.reset_code(1) == 1);
}
