#pragma once
// Both ends of a BackendSession in a test: the server that sends frames and reads what comes, and
// the owner of the streams.

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "http2/backend_session.hpp"
#include "support/http2.hpp"

namespace keepsake::test {

struct BackendTestStream : BackendStreamState {
  explicit BackendTestStream(BufferPool& pool) : memory(pool) {
    in = &memory;
    blocks = &pool;
  }
  Buffer memory;
  unsigned news = 0;
};

class BackendPeer {
  static BufferPool& pool() {
    static BufferPool shared{128 * 1024, 64};
    return shared;
  }

 public:
  BackendPeer()
      : session_(std::make_unique<BackendSession>(memory_, counts, HeadLimits{}.bytes, now_)) {}
  ~BackendPeer() { session_.reset(); }

  // One read of Keepsake's. Without SETTINGS before: open() sends them.
  void send(std::string_view bytes) {
    session_->feed(bytes);
    collect_news();
    read();
  }
  void open(const std::vector<std::pair<unsigned, std::uint32_t>>& entries = {}) {
    send(http2::settings(entries) + http2::settings_ack());
    clear();
  }
  void clear() { frames.clear(); }
  // Takes what Keepsake has written, less the preface.
  void read() {
    std::string out;
    while (session_->take_output(out)) {
      if (!preface_seen_) {
        preface_seen_ = out.starts_with(http2::kPreface);
        out.erase(0, preface_seen_ ? http2::kPreface.size() : 0);
      }
      reader_.feed(out);
    }
    while (std::optional<http2::Frame> frame = reader_.next()) {
      if (frame->type == http2::kHeaders) {
        fields.push_back(reader_.decode(*frame));
      }
      frames.push_back(std::move(*frame));
    }
    collect_news();
  }
  void collect_news() {
    while (BackendStreamState* stream = session_->take_news()) {
      ++static_cast<BackendTestStream*>(stream)->news;
    }
  }
  void pass(std::chrono::milliseconds time) { now_ += time; }

  // Opens a stream; fails the test if that is not possible.
  BackendTestStream& request(std::string head, std::string_view piece = {}, bool last = true) {
    BackendTestStream& stream = add();
    if (!session_->open(stream, head, false, piece, last)) {
      throw std::runtime_error{"no stream can be opened"};
    }
    read();
    return stream;
  }
  BackendTestStream& add() {
    return *streams.emplace_back(std::make_unique<BackendTestStream>(pool()));
  }
  BackendTestStream& get() { return request("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); }
  void release(BackendTestStream& stream) {
    session_->release(stream, now_);
    read();
  }
  void cancel_waiting() {
    session_->cancel_waiting(now_);
    read();
  }

  BackendSession& session() { return *session_; }
  bool preface_seen() const { return preface_seen_; }
  unsigned count(unsigned type) const {
    unsigned found = 0;
    for (const http2::Frame& frame : frames) {
      found += frame.type == type ? 1 : 0;
    }
    return found;
  }
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

  std::vector<std::unique_ptr<BackendTestStream>> streams;
  std::vector<http2::Frame> frames;
  std::vector<http2::Fields> fields;  // of all HEADERS so far
  Http2BackendCounts counts;

 private:
  SteadyTime now_{std::chrono::hours{1}};
  Http2Memory memory_;
  http2::Reader reader_;
  bool preface_seen_ = false;
  std::unique_ptr<BackendSession> session_;
};

}  // namespace keepsake::test
