#pragma once
// Asks /etc/hosts and the name servers of /etc/resolv.conf for addresses (c-ares). Any number of
// questions are open at the same time, and none waits for another: a name that no server answers
// for delays only itself. Never blocks; its owner's loop waits for its descriptors. On one thread.

#include <poll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "io/asio.hpp"

struct ares_channeldata;

namespace keepsake {

// What a name service says: addresses, or why there are none.
struct Resolved {
  std::vector<Endpoint> endpoints;
  std::string error;            // empty: it answered
  std::chrono::seconds ttl{0};  // for how long the answer is good; 0 from /etc/hosts
};

class NameService {
 public:
  struct Options {
    std::string server;       // the IPv4 address of a name server, in place of resolv.conf's
    std::uint16_t port = 53;  // of that server
  };
  using Done = std::function<void(Resolved)>;

  explicit NameService(Options options);
  // Open questions stay without an answer.
  ~NameService();
  NameService(const NameService&) = delete;
  NameService& operator=(const NameService&) = delete;

  // `done` is called once, from here or from look(), and must not ask.
  void ask(const std::string& host, std::uint16_t port, Done done);

  // --- For the loop:
  void add_descriptors(std::vector<pollfd>& polls) const;
  // Until look() must be called even if no descriptor is ready; at most `most`.
  Millis patience(Millis most) const;
  void look(const std::vector<pollfd>& polls);

 private:
  struct Question;
  struct Destroy {
    void operator()(ares_channeldata* channel) const;
  };
  static void on_answer(void* question, int status, int timeouts, void* info);
  static void on_socket(void* self, int fd, int readable, int writable);
  using Channel = std::unique_ptr<ares_channeldata, Destroy>;
  Channel make_channel(std::string lookups);
  void follow_resolv_conf();
  void send(const Channel& channel, std::unique_ptr<Question> question);

  const Options options_;
  std::string config_stamp_;  // of /etc/resolv.conf when the channel was opened
  std::map<int, short> sockets_;
  std::vector<std::unique_ptr<Question>> again_;  // of a channel that is being closed
  bool reopening_ = false;
  Channel channel_;
};

}  // namespace keepsake
