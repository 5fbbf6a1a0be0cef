#pragma once
// An owner of streams that keeps their memory for the next ones, as a server does, and answers
// every request with a small response.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http2/peer.hpp"

namespace keepsake::test {

class ReusingOwner final : public Http2StreamOwner {
  BufferPool pool_{128 * 1024, 128};

 public:
  ReusingOwner() {
    for (int i = 0; i < 100; ++i) {
      streams_.push_back(std::make_unique<TestStream>(pool_));
      free_.push_back(streams_.back().get());
    }
  }

  Http2StreamState* open(std::uint32_t) override {
    TestStream& stream = *free_.back();
    free_.pop_back();
    stream.in = Buffer{pool_};
    stream.place = {&stream.in, &stream.request, &limits_, &names_};
    return &stream;
  }

  // One read of requests without bodies, and their responses in one write. How many there were.
  std::size_t serve(Http2Session& session, std::string_view requests, SteadyTime now) {
    std::size_t served = 0;
    session.feed(requests, now);
    while (Http2StreamState* stream = session.next_news()) {
      const StreamNews news = session.take_news(*stream);
      if (news.head && stream->fault == Fault::None) {
        head_.assign(
            "HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Mon, 30 Nov 2026 00:00:00 GMT\r\n"
            "Content-Type: text/plain\r\nContent-Length: 5\r\nVary: Cookie\r\n\r\n");
        const bool sent = session.respond(*stream, head_, "hello", true) && session.sent(*stream);
        served += sent ? 1U : 0U;
      }
      session.release(*stream);
      auto& own = static_cast<TestStream&>(*stream);
      own.in.release();
      free_.push_back(&own);
    }
    while (session.take_output(out_)) {
      written_ += out_.size();
    }
    return served;
  }
  std::size_t written() const { return written_; }

 private:
  HeadLimits limits_;
  FieldTable names_;
  std::string head_;
  std::string out_;
  std::size_t written_ = 0;
  std::vector<std::unique_ptr<TestStream>> streams_;
  std::vector<TestStream*> free_;
};

// What a browser sends for a page, with a session of 120 bytes.
inline http2::Fields browser_request() {
  return http2::get(
      "/account/orders?page=2",
      {{"user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Safari/537.36"},
       {"accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"
        "q=0.8"},
       {"accept-encoding", "gzip, deflate, br"},
       {"accept-language", "en-US,en;q=0.9,de;q=0.8"},
       {"sec-fetch-site", "same-origin"},
       {"sec-fetch-mode", "navigate"},
       {"sec-fetch-dest", "document"},
       {"upgrade-insecure-requests", "1"},
       {"referer", "http://a.example/account"},
       {"priority", "u=0, i"},
       {"cookie", "theme=dark"},
       {"cookie", "session=" + std::string(120, 'k')}});
}

}  // namespace keepsake::test
