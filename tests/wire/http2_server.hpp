#pragma once
// An HTTP/2 backend of a wire test: one connection of the proxy, whose frames it reads and answers
// as the test says.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/http2.hpp"
#include "support/link.hpp"

namespace keepsake::test {

class Http2Server {
 public:
  static constexpr std::size_t kFrame = 16'384;  // what one may have, unless SETTINGS say more
  using Settings = std::vector<std::pair<unsigned, std::uint32_t>>;

  // Reads the preface and says its SETTINGS, unless that is to be done later.
  explicit Http2Server(Link link, const Settings& entries = {}, bool greets = true);

  Link& link() { return link_; }
  void greet(const Settings& entries = {});
  void send(std::string_view bytes) { link_.send(bytes); }
  // An answer with a body and its end.
  void answer(std::uint32_t stream, std::string_view body, http2::Fields more = {});

  // What has come on a stream.
  struct Request {
    http2::Fields head;
    std::string body;
    bool ended = false;
    bool reset = false;
    std::uint32_t code = 0;    // of the reset
    std::size_t credit = 0;    // by WINDOW_UPDATE
    std::string path() const { return http2::value_of(head, ":path"); }
    std::string value(std::string_view name) const { return http2::value_of(head, name); }
  };
  Request& at(std::uint32_t stream) { return requests_[stream]; }
  // The next stream that the proxy opens; its head has come.
  std::uint32_t accept();
  // Reads until the request has ended or was reset.
  Request& finish(std::uint32_t stream);
  template <class Done>
  void until(Done done) {
    while (!done()) {
      read();
    }
  }
  void give_credit(bool give) { gives_credit_ = give; }
  bool went_away() const { return goaway_; }
  unsigned pings() const { return pings_; }
  void answer_pings(bool answer) { answers_pings_ = answer; }
  // Without waiting: everything that has come.
  void read_what_is_there();

 private:
  void read();
  void take(const http2::Frame& frame);

  Link link_;
  http2::Reader reader_;
  std::map<std::uint32_t, Request> requests_;
  std::vector<std::uint32_t> opened_;
  std::size_t accepted_ = 0;
  bool gives_credit_ = true;
  bool answers_pings_ = true;
  bool goaway_ = false;
  unsigned pings_ = 0;
};

}  // namespace keepsake::test
