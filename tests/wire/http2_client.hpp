#pragma once
// An HTTP/2 client of a wire test: it sends frames as bytes and sorts what comes back by stream.

#include <map>
#include <string>
#include <string_view>

#include "support/http2.hpp"
#include "support/proxy.hpp"

namespace keepsake::test {

class Http2Client {
 public:
  explicit Http2Client(const Proxy& proxy) : link_(proxy.connect()) { send(http2::opening()); }
  explicit Http2Client(Link link) : link_(std::move(link)) {}

  Link& link() { return link_; }
  void send(std::string_view bytes) { link_.send(bytes); }
  // Sends a request without a body; its stream.
  std::uint32_t ask(const http2::Fields& fields) {
    const std::uint32_t stream = open();
    send(http2::headers(stream, fields));
    return stream;
  }
  std::uint32_t open() { return next_ += 2; }

  // What has come on a stream.
  struct Answer {
    std::vector<http2::Fields> interim;
    http2::Fields head;
    std::string body;
    http2::Fields trailers;
    bool ended = false;
    bool reset = false;
    std::uint32_t code = 0;  // of the reset
    std::size_t credit = 0;  // by WINDOW_UPDATE; stream 0 is the connection
    std::string status() const { return http2::value_of(head, ":status"); }
  };
  Answer& at(std::uint32_t stream) { return answers_[stream]; }
  // Reads until the stream has ended or was reset. Credit is given for every byte.
  Answer& finish(std::uint32_t stream);
  // Reads until `done`.
  template <class Done>
  void until(Done done) {
    while (!done()) {
      read();
    }
  }
  bool went_away() const { return goaway_; }
  std::uint32_t goaway_code() const { return goaway_code_; }
  void give_credit(bool give) { gives_credit_ = give; }

 private:
  void read();
  void take(const http2::Frame& frame);

  Link link_;
  http2::Reader reader_;
  std::map<std::uint32_t, Answer> answers_;
  std::uint32_t next_ = static_cast<std::uint32_t>(-1);
  bool goaway_ = false;
  std::uint32_t goaway_code_ = 0;
  bool gives_credit_ = true;
};

}  // namespace keepsake::test
