#pragma once
// Both ends of a Http2Session in a test: the client that sends frames and reads what comes back,
// and the owner of the streams.

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "base/random.hpp"
#include "http2/session.hpp"
#include "support/http2.hpp"

namespace keepsake::test {

// Counts up: what a test sees of randomness is always the same.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) {
      byte = next_++;
    }
  }

 private:
  std::uint8_t next_ = 0;
};

struct TestStream : Http2StreamState {
  explicit TestStream(BufferPool& pool) : in(pool) {}
  Buffer in;
  RequestHead request;
  StreamNews seen;  // all news so far
  unsigned heads = 0;
};

class Peer final : public Http2StreamOwner {
  // Outlives the streams, and is shared so that many peers after one another cost nothing.
  static BufferPool& pool() {
    static BufferPool shared{128 * 1024, 64};
    return shared;
  }

 public:
  explicit Peer(Http2Session::Settings settings = {}, HeadLimits limits = {})
      : limits_(limits),
        session_(std::make_unique<Http2Session>(Http2Session::Shared{memory_, counts, random_},
                                                *this, settings, now_)) {}
  ~Peer() override { session_.reset(); }

  // One read of the server. Without a preface and SETTINGS before: open() sends them.
  void send(std::string_view bytes) {
    session_->feed(bytes, now_);
    collect_news();
    read();
  }
  void open(const std::vector<std::pair<unsigned, std::uint32_t>>& entries = {}) {
    send(http2::opening(entries));
    clear();
  }
  // Forgets what has come so far.
  void clear() {
    frames.clear();
    fields.clear();
  }
  // Takes what the server has written; decodes the fields of its HEADERS.
  void read() {
    std::string out;
    while (session_->take_output(out)) {
      reader_.feed(out);
      written += out.size();
    }
    while (std::optional<http2::Frame> frame = reader_.next()) {
      fields.push_back(frame->type == http2::kHeaders ? reader_.decode(*frame) : http2::Fields{});
      frames.push_back(std::move(*frame));
    }
    collect_news();
  }
  void collect_news() {
    while (Http2StreamState* state = session_->next_news()) {
      const StreamNews news = session_->take_news(*state);
      auto& stream = static_cast<TestStream&>(*state);
      stream.heads += news.head ? 1 : 0;
      stream.seen.head = stream.seen.head || news.head;
      stream.seen.body = stream.seen.body || news.body;
      stream.seen.ended = stream.seen.ended || news.ended;
      stream.seen.sent = stream.seen.sent || news.sent;
      stream.seen.closed = stream.seen.closed || news.closed;
    }
  }
  void pass(std::chrono::milliseconds time) { now_ += time; }

  Http2Session& session() { return *session_; }
  // The stream with that id; fails the test without one.
  TestStream& stream(std::uint32_t id) {
    for (const auto& stream : streams) {
      if (stream->id == id) {
        return *stream;
      }
    }
    throw std::runtime_error{"no stream " + std::to_string(id)};
  }
  // The first frame of that type on that stream; null without one.
  const http2::Frame* find(unsigned type, std::uint32_t id) const {
    for (const http2::Frame& frame : frames) {
      if (frame.type == type && frame.stream == id) {
        return &frame;
      }
    }
    return nullptr;
  }
  std::string body_of(std::uint32_t id) const {
    std::string body;
    for (const http2::Frame& frame : frames) {
      if (frame.type == http2::kData && frame.stream == id) {
        body += frame.payload;
      }
    }
    return body;
  }
  // The fields of the n-th HEADERS on that stream.
  http2::Fields fields_of(std::uint32_t id, unsigned n = 0) const {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (frames[i].type == http2::kHeaders && frames[i].stream == id && n-- == 0) {
        return fields[i];
      }
    }
    return {};
  }
  // RST_STREAM's code on that stream; -1 without one.
  int reset_code(std::uint32_t id) const {
    const http2::Frame* frame = find(http2::kRst, id);
    return frame == nullptr ? -1 : static_cast<int>(frame->u32());
  }
  int goaway_code() const {
    const http2::Frame* frame = find(http2::kGoaway, 0);
    return frame == nullptr ? -1 : static_cast<int>(frame->u32(4));
  }
  // Answers with a small body, and is done with the stream.
  void answer(std::uint32_t id, std::string_view body = "ok") {
    std::string head =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    session_->respond(stream(id), head, body, true);
    read();
  }

  Http2StreamState* open(std::uint32_t) override {
    if (refuse) {
      return nullptr;
    }
    TestStream& stream = *streams.emplace_back(std::make_unique<TestStream>(pool()));
    stream.place = {&stream.in, &stream.request, &limits_, &names_};
    stream.blocks = &pool();
    return &stream;
  }

  std::vector<std::unique_ptr<TestStream>> streams;
  std::vector<http2::Frame> frames;
  std::vector<http2::Fields> fields;  // beside `frames`
  std::size_t written = 0;
  Http2Counts counts;
  bool refuse = false;

 private:
  SteadyTime now_{std::chrono::hours{1}};
  CountingRandom random_;
  Http2Memory memory_;
  FieldTable names_{{"X-Session-Name"}};
  HeadLimits limits_;
  http2::Reader reader_;
  std::unique_ptr<Http2Session> session_;
};

}  // namespace keepsake::test
