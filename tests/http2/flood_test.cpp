// What a client may do that costs it little: each kind until the connection ends, and what honest
// clients do of it, which does not.

#include "http2/flood.hpp"

#include <functional>

#include "http2/peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr int kEnhanceYourCalm = 11;
constexpr unsigned kMany = 12'000;

struct Ending {
  unsigned rounds = 0;  // before the connection was over
  Flood flood = Flood::None;
  int goaway = -1;
};

// Sends what `round` makes of 0, 1, 2 ... until the connection is over; `passes` between two.
Ending flood(Peer& peer, const std::function<std::string(unsigned)>& round,
             std::chrono::milliseconds passes = 0ms) {
  Ending ending;
  while (peer.session().over() == Http2Session::Over::No && ending.rounds < kMany) {
    peer.clear();
    peer.send(round(ending.rounds++));
    for (const auto& stream : peer.streams) {
      peer.session().release(*stream);
    }
    peer.streams.clear();
    peer.read();
    peer.pass(passes);
  }
  ending.flood = peer.session().flood();
  ending.goaway = peer.goaway_code();
  return ending;
}

Ending flood(const std::function<std::string(unsigned)>& round,
             std::chrono::milliseconds passes = 0ms) {
  Peer peer;
  peer.open();
  return flood(peer, round, passes);
}

std::uint32_t id(unsigned round) {
  return 2 * round + 1;
}

// The bucket is empty after 200 at once, some of which may have been free.
void ends(const Ending& ending, Flood kind, unsigned free = 0) {
  CHECK(ending.flood == kind);
  CHECK(ending.goaway == kEnhanceYourCalm);
  CHECK(ending.rounds == free + 201);
}

void goes_on(const Ending& ending) {
  CHECK(ending.flood == Flood::None);
  CHECK(ending.goaway == -1);
  CHECK(ending.rounds == kMany);
}

}  // namespace

TEST_CASE("a rapid reset ends the connection after two hundred", "[http2][flood]") {
  ends(flood([](unsigned n) { return http2::headers(id(n), http2::get()) + http2::rst(id(n)); }),
       Flood::Resets);
}

TEST_CASE("resets at twenty a second are what a busy browser does", "[http2][flood]") {
  const auto reset = [](unsigned n) {
    return http2::headers(id(n), http2::get()) + http2::rst(id(n));
  };
  goes_on(flood(reset, 50ms));
  CHECK(flood(reset, 25ms).flood == Flood::Resets);
}

TEST_CASE("a browser's closed tab with a hundred streams is no flood", "[http2][flood]") {
  Peer peer;
  peer.open();
  std::string bytes;
  for (unsigned n = 0; n < 100; ++n) {
    bytes += http2::headers(id(n), http2::get());
  }
  for (unsigned n = 0; n < 100; ++n) {
    bytes += http2::rst(id(n));
  }
  peer.send(bytes);
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("frames that make the server reset a stream cost as much as resets", "[http2][flood]") {
  const auto post = [](unsigned n, const http2::Fields& more = {}) {
    return http2::headers(id(n), http2::request("POST", "/", more), false);
  };
  SECTION("a window beyond its largest") {
    // Of the update for the stream, and the one more than its DATA frames allow.
    const Ending ending =
        flood([&](unsigned n) { return post(n) + http2::window_update(id(n), 0x7fff'ffffU); });
    CHECK(ending.goaway == kEnhanceYourCalm);
    CHECK(ending.rounds <= 201);
  }
  SECTION("more DATA than content-length") {
    ends(flood([&](unsigned n) {
           return post(n, {{"content-length", "1"}}) + http2::data(id(n), "abc");
         }),
         Flood::BadStreams);
  }
  SECTION("less DATA than content-length") {
    ends(flood([&](unsigned n) {
           return post(n, {{"content-length", "5"}}) + http2::data(id(n), "abc");
         }),
         Flood::BadStreams);
  }
  SECTION("malformed requests") {
    ends(flood([&](unsigned n) { return post(n, {{"Upper", "x"}}); }), Flood::BadStreams);
    ends(flood([&](unsigned n) { return post(n, {{"connection", "close"}}); }), Flood::BadStreams);
    ends(flood([&](unsigned n) {
           return http2::headers(id(n), {{":method", "GET"}, {":path", "/"}});
         }),
         Flood::BadStreams);
  }
}

TEST_CASE("frames that break the connection's rules end it at once", "[http2][flood]") {
  const auto once = [](const std::string& bytes) {
    Peer peer;
    peer.open();
    peer.send(http2::headers(1, http2::request("POST", "/"), false) + bytes);
    CHECK(peer.session().over() == Http2Session::Over::Failed);
    return peer.goaway_code();
  };
  CHECK(once(http2::window_update(1, 0)) == 1);
  CHECK(once(http2::frame(http2::kPriority, 0, 1, "1234")) == 6);
  CHECK(once(http2::data(1, "", true) + http2::headers(1, http2::get())) == 5);
  CHECK(once(http2::data(1, "", true) + http2::data(1, "x")) == 5);
  CHECK(once(http2::frame(http2::kPushPromise, http2::kEndHeaders, 1, "\0\0\0\2")) >= 1);
  CHECK(once(http2::settings(std::vector<std::pair<unsigned, std::uint32_t>>(33, {1, 1}))) ==
        kEnhanceYourCalm);
}

TEST_CASE("a header block of more than eight continuations ends the connection", "[http2][flood]") {
  Peer peer;
  peer.open();
  std::string bytes = http2::frame(http2::kHeaders, 0, 1, http2::literals(http2::get()));
  for (unsigned n = 0; n < 9; ++n) {
    bytes += http2::frame(http2::kContinuation, 0, 1, "");
  }
  peer.send(bytes);
  CHECK(peer.session().flood() == Flood::Continuations);
  CHECK(peer.goaway_code() == kEnhanceYourCalm);
}

TEST_CASE("eight continuations are a head like any other", "[http2][flood]") {
  Peer peer;
  peer.open();
  const std::string block = http2::literals(http2::get("/x"));
  std::string bytes = http2::frame(http2::kHeaders, http2::kEndStream, 1, block.substr(0, 1));
  for (unsigned n = 1; n < 8; ++n) {
    bytes += http2::frame(http2::kContinuation, 0, 1, block.substr(n, 1));
  }
  bytes += http2::frame(http2::kContinuation, http2::kEndHeaders, 1, block.substr(8));
  peer.send(bytes);
  CHECK(peer.stream(1).request.target == "/x");
}

TEST_CASE("pings beyond one a second are a flood", "[http2][flood]") {
  ends(flood([](unsigned) { return http2::ping(); }), Flood::Pings, 1);
  goes_on(flood([](unsigned) { return http2::ping(); }, 1000ms));
}

TEST_CASE("settings beyond two are a flood", "[http2][flood]") {
  // The first came with the preface.
  ends(flood([](unsigned) { return http2::settings({{4, 70'000}}); }), Flood::Settings, 1);
}

TEST_CASE("answers that the client does not read end the connection", "[http2][flood]") {
  Peer peer;
  peer.open();
  std::string bytes;
  for (unsigned n = 0; n < 150; ++n) {
    bytes += http2::ping();
  }
  peer.session().feed(bytes, SteadyTime{});
  peer.read();
  CHECK(peer.session().over() == Http2Session::Over::Failed);
  CHECK(peer.session().flood() == Flood::Answers);
  CHECK(peer.goaway_code() == kEnhanceYourCalm);
}

TEST_CASE("empty DATA and DATA of padding alone are a flood", "[http2][flood]") {
  const auto upload = [](const std::string& piece) {
    return [piece](unsigned n) {
      return n == 0 ? http2::headers(1, http2::request("POST", "/"), false) : piece;
    };
  };
  // The test releases the stream, so the frames come to one that is closed: as costly to the
  // reader.
  ends(flood(upload(http2::data(1, "", false))), Flood::EmptyData, 1);
  ends(flood(upload(http2::frame(http2::kData, http2::kPadded, 1, std::string("\x02\0\0", 3)))),
       Flood::EmptyData, 1);
}

TEST_CASE("the empty DATA that ends a stream is no flood", "[http2][flood]") {
  goes_on(flood([](unsigned n) {
    return http2::headers(id(n), http2::request("POST", "/"), false) + http2::data(id(n), "");
  }));
}

TEST_CASE("small DATA frames are messages and no flood", "[http2][flood]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false));
  TestStream& stream = peer.stream(1);
  for (unsigned n = 0; n < kMany; ++n) {
    peer.send(http2::data(1, "m", false));
    stream.in.consume(1);
    peer.session().credit(stream, 1);
  }
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("priorities beyond two for each stream are a flood", "[http2][flood]") {
  ends(flood([](unsigned) {
         return http2::frame(http2::kPriority, 0, 3, std::string("\0\0\0\0\x10", 5));
       }),
       Flood::Priorities);
  ends(flood([](unsigned) {
         return http2::frame(http2::kPriorityUpdate, 0, 0, http2::number(1, 4) + "u=1");
       }),
       Flood::Priorities);
  goes_on(flood([](unsigned n) {
    return http2::headers(id(n), http2::get()) +
           http2::frame(http2::kPriorityUpdate, 0, 0, http2::number(id(n), 4) + "u=1") +
           http2::frame(http2::kPriority, 0, id(n), std::string("\0\0\0\0\x10", 5));
  }));
}

TEST_CASE("a priority that makes a stream depend on itself costs no more than another",
          "[http2][flood]") {
  ends(flood([](unsigned) {
         return http2::frame(http2::kPriority, 0, 3, http2::number(3, 4) + "\x10");
       }),
       Flood::Priorities);
}

TEST_CASE("window updates in crumbs are a flood", "[http2][flood]") {
  ends(flood([](unsigned) { return http2::window_update(0, 1); }), Flood::WindowUpdates, 2);
}

TEST_CASE("two window updates for each DATA frame are what an honest client sends",
          "[http2][flood]") {
  Peer peer;
  peer.open();
  for (unsigned n = 0; n < 2'000; ++n) {
    peer.send(http2::headers(id(n), http2::get()));
    peer.answer(id(n), "body");
    REQUIRE(peer.body_of(id(n)) == "body");
    peer.session().release(peer.stream(id(n)));
    peer.clear();
    peer.send(http2::window_update(0, 4) + http2::window_update(0, 4));
  }
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("a client that was once above its share does not pay for what follows", "[http2][flood]") {
  Peer peer;
  peer.open();
  for (unsigned n = 0; n < 100; ++n) {
    peer.send(http2::window_update(0, 1));
    peer.send(http2::frame(http2::kPriorityUpdate, 0, 0, http2::number(1, 4) + "u=1"));
  }
  for (unsigned n = 0; n < 300; ++n) {
    peer.send(http2::headers(id(n), http2::get()) + http2::window_update(id(n), 5) +
              http2::frame(http2::kPriorityUpdate, 0, 0, http2::number(id(n), 4) + "u=1"));
    peer.answer(id(n), "body");
    peer.session().release(peer.stream(id(n)));
    peer.clear();
    peer.send(http2::window_update(0, 4) + http2::window_update(0, 4));
  }
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("unknown frames beyond a hundred are a flood", "[http2][flood]") {
  ends(flood([](unsigned) { return http2::frame(0xbb, 0, 0, "grease"); }), Flood::UnknownFrames,
       100);
  ends(flood([](unsigned) { return http2::frame(0xa, 0, 0, std::string("\0\1a", 3)); }),
       Flood::UnknownFrames, 100);
}

TEST_CASE("GOAWAY again and again is a flood", "[http2][flood]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  unsigned n = 0;
  while (peer.session().over() == Http2Session::Over::No && n < kMany) {
    peer.send(http2::goaway());
    ++n;
  }
  CHECK(n == 301);
  CHECK(peer.session().flood() == Flood::UnknownFrames);
}

TEST_CASE("more streams than the settings say are refused or end the connection",
          "[http2][flood]") {
  Peer polite;
  polite.send(std::string{http2::kPreface} + http2::settings());
  std::string bytes;
  for (unsigned n = 0; n < 400; ++n) {
    bytes += http2::headers(id(n), http2::get());
  }
  polite.send(bytes);  // the settings are not acknowledged yet: it may not have seen the limit
  CHECK(polite.streams.size() == 100);
  CHECK(polite.reset_code(201) == 7);
  CHECK(polite.session().flood() == Flood::BadStreams);
  Peer rude;
  rude.open();
  rude.send(bytes);
  CHECK(rude.session().over() == Http2Session::Over::Failed);
  CHECK(rude.goaway_code() == 1);
}

TEST_CASE("a small block that decodes to megabytes ends the connection", "[http2][flood]") {
  Peer peer;
  peer.open();
  std::string block = http2::literals(http2::get());
  block += http2::indexed_literal("x-bomb", std::string(3'000, 'b'));
  for (unsigned n = 0; n < 5'000; ++n) {
    block += http2::indexed(62);
  }
  peer.send(http2::frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, 1, block));
  CHECK(peer.session().flood() == Flood::HeaderBomb);
  CHECK(peer.goaway_code() == kEnhanceYourCalm);
  CHECK(peer.counts.floods[static_cast<std::size_t>(Flood::HeaderBomb)].get() == 1);
  CHECK(peer.counts.goaways_sent.get(Http2Code::EnhanceYourCalm) == 1);
}

TEST_CASE("thousands of tiny fields or cookie crumbs end the connection", "[http2][flood]") {
  for (const char* name : {"a", "cookie"}) {
    Peer peer;
    peer.open();
    std::string block = http2::literals(http2::get()) + http2::indexed_literal(name, "");
    for (unsigned n = 0; n < 15'000; ++n) {
      block += http2::indexed(62);
    }
    peer.send(http2::frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, 1, block));
    CHECK(peer.session().flood() == Flood::HeaderBomb);
  }
}

TEST_CASE("trailers are counted like a head", "[http2][flood]") {
  Peer peer;
  peer.open();
  std::string block = http2::indexed_literal("x-bomb", std::string(3'000, 'b'));
  for (unsigned n = 0; n < 5'000; ++n) {
    block += http2::indexed(62);
  }
  peer.send(http2::headers(1, http2::request("POST", "/"), false) +
            http2::frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, 1, block));
  CHECK(peer.session().flood() == Flood::HeaderBomb);
}

TEST_CASE("a head above its limits gets an answer and the connection stays", "[http2][flood]") {
  Peer peer;
  peer.open();
  http2::Fields many = http2::get();
  for (unsigned n = 0; n < 101; ++n) {
    many.emplace_back("x-" + std::to_string(n), "v");
  }
  peer.send(http2::headers(1, many));
  CHECK(peer.stream(1).seen.head);
  CHECK(peer.stream(1).fault == Fault::HeadTooLarge);
  peer.send(http2::frame(http2::kHeaders, http2::kEndStream, 3,
                         http2::literals(http2::get("/", {{"x-long", std::string(16'000, 'a')}}))) +
            http2::frame(http2::kContinuation, http2::kEndHeaders, 3,
                         http2::literal("x-more", std::string(600, 'b'))));
  CHECK(peer.stream(3).fault == Fault::HeadTooLarge);
  peer.send(http2::headers(5, http2::get()));
  CHECK(peer.stream(5).fault == Fault::None);
  CHECK(peer.session().over() == Http2Session::Over::No);
}

TEST_CASE("a trusted proxy has ten times as much, and its running streams are served",
          "[http2][flood]") {
  Http2Session::Settings settings;
  settings.trusted = true;
  Peer peer{settings};
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  unsigned n = 1;
  while (peer.session().flood() == Flood::None && n < kMany) {
    peer.send(http2::headers(id(n), http2::get()) + http2::rst(id(n)));
    peer.session().release(*peer.streams.back());
    peer.streams.pop_back();
    ++n;
  }
  CHECK(n == 2'002);
  CHECK(peer.session().flood() == Flood::Resets);
  CHECK(peer.goaway_code() == kEnhanceYourCalm);
  CHECK(peer.session().over() == Http2Session::Over::No);
  peer.send(http2::headers(id(n), http2::get()));
  CHECK(peer.streams.size() == 1);  // no further ones
  peer.answer(1);
  CHECK(peer.body_of(1) == "ok");
  peer.session().release(peer.stream(1));
  CHECK(peer.session().drained());
}

TEST_CASE("a trusted proxy that goes on flooding is cut like any other", "[http2][flood]") {
  Http2Session::Settings settings;
  settings.trusted = true;
  Peer peer{settings};
  peer.open();
  peer.send(http2::headers(1, http2::get()));
  unsigned n = 0;
  while (peer.session().over() == Http2Session::Over::No && n < kMany) {
    peer.send(http2::ping());
    ++n;
  }
  CHECK(n == 4'003);
  CHECK(peer.session().over() == Http2Session::Over::Failed);
}

TEST_CASE("tokens come back by the time that has passed, and never more than there were",
          "[http2][flood]") {
  SteadyTime now{1h};
  FloodBudget budget{now, false};
  const FrameHead reset{4, http2::kRst, 0, 1, 0};
  const auto most = [&] {
    unsigned count = 0;
    while (budget.count(reset, now) == Flood::None) {
      ++count;
    }
    return count;
  };
  CHECK(most() == 200);
  now += 1s;
  CHECK(most() == 20);
  now += 49ms;
  CHECK(most() == 0);
  now += 1ms;
  CHECK(most() == 1);
  now += std::chrono::hours{24 * 365};
  CHECK(most() == 200);
}
