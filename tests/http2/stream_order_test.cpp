#include "http2/stream_order.hpp"

#include "http2/peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

// How a connection ends after these frames; -1 when it does not.
int ends(const std::string& frames) {
  Peer peer;
  peer.open();
  peer.send(frames);
  CHECK((peer.session().over() == Http2Session::Over::Failed) == (peer.goaway_code() > 0));
  return peer.goaway_code();
}

std::string post(std::uint32_t id) {
  return http2::headers(id, http2::request("POST", "/"), false);
}

}  // namespace

TEST_CASE("nothing of a body may come after its end", "[http2][order]") {
  const std::string done = post(1) + http2::data(1, "x");
  CHECK(ends(done) == -1);
  CHECK(ends(done + http2::data(1, "y")) == 5);
  CHECK(ends(done + http2::headers(1, {{"x-a", "b"}})) == 5);
  CHECK(ends(http2::headers(1, http2::get()) + http2::headers(1, http2::get())) == 5);
  CHECK(ends(post(1) + http2::headers(1, {{"x-a", "b"}}) + http2::data(1, "x")) == 5);
}

TEST_CASE("nothing of a body may come after the client's reset", "[http2][order]") {
  CHECK(ends(post(1) + http2::rst(1) + http2::data(1, "x")) == 5);
  CHECK(ends(post(1) + http2::rst(1) + http2::headers(1, {{"x-a", "b"}})) == 5);
  CHECK(ends(post(1) + http2::rst(1) + http2::rst(1) + http2::window_update(1, 5)) == -1);
}

TEST_CASE("a stream that was passed over cannot be opened", "[http2][order]") {
  CHECK(ends(post(1) + post(5) + post(3)) == 1);
  CHECK(ends(post(5) + http2::data(3, "x")) == 1);
  CHECK(ends(post(5) + post(9) + post(11) + http2::data(5, "x") + http2::data(9, "y")) == -1);
  CHECK(ends(post(1'048'577) + post(3)) == -1);  // too long ago to know
}

TEST_CASE("a priority names a stream", "[http2][order]") {
  const std::string payload{"\0\0\0\0\x10", 5};
  CHECK(ends(http2::frame(http2::kPriority, 0, 0, payload)) == 1);
  CHECK(ends(http2::frame(http2::kPriority, 0, 7, payload)) == -1);
}

TEST_CASE("what was on its way when the server reset a stream is ignored", "[http2][order]") {
  Peer peer;
  peer.open();
  peer.send(post(1));
  peer.session().reset(peer.stream(1), Http2Code::InternalError);
  peer.send(http2::data(1, "x", false) + http2::data(1, "y", false) +
            http2::headers(1, {{"x-a", "b"}}));
  CHECK(peer.session().over() == Http2Session::Over::No);
  peer.send(http2::headers(3, http2::get()));
  peer.answer(3);
  CHECK(peer.body_of(3) == "ok");
}

TEST_CASE("the memory of ended streams goes round", "[http2][order]") {
  StreamOrder order;
  const FrameHead request{0, http2::kHeaders, http2::kEndStream, 0, 0};
  for (std::uint32_t id = 1; id < 10'001; id += 2) {
    FrameHead frame = request;
    frame.stream = id;
    REQUIRE(order.check(frame) == Http2Code::NoError);
    REQUIRE(order.check(frame) == Http2Code::StreamClosed);
    frame.stream = id > 1'022 ? id - 1'022 : 1;
    REQUIRE(order.check(frame) == Http2Code::StreamClosed);
  }
  FrameHead old = request;
  old.stream = 9'999 - 1'024;
  CHECK(order.check(old) == Http2Code::NoError);
}
