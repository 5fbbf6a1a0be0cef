// A whole connection: what the input has a client send goes through a real Server to a backend that
// answers as the input says. Whatever they say, the backend sees only requests that a strict parser
// takes, the client only responses, nobody bytes of an earlier run, and nothing stays open.
//
// The input: a byte of flags, then parts between 0xfe 0xfe. The first part is what the client sends
// before it half-closes, the following ones are what the backend answers to the first, second ...
// request; where they end it answers as it should.

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/load.hpp"
#include "fuzz.hpp"
#include "server/server.hpp"
#include "strict_ends.hpp"
#include "support/manual_clock.hpp"

using namespace keepsake;
using namespace keepsake::fuzz;

namespace {

constexpr std::string_view kYaml = R"(
listen: [{address: "unix:${SOCKET}.front"}]
backends: {app: {servers: ["unix:${SOCKET}.back"], ejection: {failures: 1000000}, writes_session: true}}
routes:
  - {path: /set, set: {name: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session: {secrets: [{env: KEY}], headers: {X-Session-Name: name}}
limits: {header: 4KiB, headers: 30, target: 1KiB, body: 64KiB}
log: {access: false, level: error}
)";

// Flags.
constexpr unsigned kBackendCloses = 1;  // behind each answer
constexpr unsigned kClientDrips = 2;    // in pieces of seven bytes
constexpr unsigned kBackendDrips = 4;
constexpr unsigned kClientResets = 8;  // as soon as it has sent everything
constexpr unsigned kStaysOpen = 16;    // the client does not half-close

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

struct Link {
  int fd = -1;
  StrictReader reader;
  std::string answer;  // not yet sent
  bool close_after = false;
};

// One proxy for all inputs.
class World {
 public:
  World() : socket_("/tmp/keepsake-fuzz-" + std::to_string(::getpid())) {
    spdlog::set_level(spdlog::level::off);
    back_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(socket_ + ".back");
    ::unlink(address.sun_path);
    must(::bind(back_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    must(::listen(back_, 64) == 0);
    Environment environment;
    environment.variable = [this](const std::string& name) -> std::optional<std::string> {
      return name == "KEY" ? "a secret for fuzzing only, 0123456789" : socket_;
    };
    Loaded loaded = load_config_text(kYaml, "fuzz.yaml", environment);
    must(loaded.config.has_value());
    Server::Options options;
    options.workers = 1;
    options.worker.sweep = Millis{5};
    server_ = std::make_unique<Server>(std::move(*loaded.config), clock_, options);
    std::string error;
    must(server_->start(error));
  }
  ~World() {
    server_->cut();
    server_->wait(Millis{5000});
    ::unlink((socket_ + ".back").c_str());
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int connect() {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(socket_ + ".front");
    must(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }
  int accept() { return ::accept4(back_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }
  int listener() const { return back_; }
  void pass_time() { clock_.advance(std::chrono::hours{1}); }
  std::size_t connections() const { return server_->connections(); }

 private:
  std::string socket_;
  test::ManualClock clock_;
  int back_ = -1;
  std::unique_ptr<Server> server_;
};

World& world() {
  static World world;
  return world;
}

class Run {
 public:
  // `patience`: how many looks at nothing, of 10 ms, until the backend is taken to be done.
  Run(unsigned flags, std::string_view request, std::deque<std::string> answers, int patience = 2)
      : flags_(flags), request_(request), answers_(std::move(answers)), patience_(patience) {
    nonce_ = "nonce-" + std::to_string(++serial_) + ";";
  }

  // What the client got, when its connection is over.
  std::string run() {
    client_ = world().connect();
    while (client_ >= 0) {
      step();
    }
    for (Link& link : links_) {
      ::close(link.fd);
    }
    // Everything of this run is gone before the next one begins; a request that is repeated once
    // more finds nobody.
    for (int i = 0; world().connections() != 0; ++i) {
      must(i < 5000);
      refuse_all();
      if (i > 100) {
        world().pass_time();
      }
      std::this_thread::sleep_for(std::chrono::microseconds{i < 50 ? 20 : 1000});
    }
    refuse_all();
    return received_;
  }
  const std::string& nonce() const { return nonce_; }

 private:
  static constexpr std::size_t kDrop = 7;

  static void refuse_all() {
    for (int fd = 0; (fd = world().accept()) >= 0;) {
      ::close(fd);
    }
  }

  void step() {
    std::vector<pollfd> polls{{client_, POLLIN, 0}, {world().listener(), POLLIN, 0}};
    if (sent_ < request_.size()) {
      polls[0].events = POLLIN | POLLOUT;
    }
    for (const Link& link : links_) {
      polls.push_back(
          {link.fd, static_cast<short>(link.answer.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    }
    if (::poll(polls.data(), polls.size(), 10) == 0) {
      idle();
      return;
    }
    idle_ = 0;
    for (std::size_t i = links_.size(); i-- > 0;) {
      if (polls[i + 2].revents != 0 && !serve(links_[i], polls[i + 2].revents)) {
        ::close(links_[i].fd);
        links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (polls[1].revents != 0) {
      if (const int fd = world().accept(); fd >= 0) {
        links_.push_back(Link{});
        links_.back().fd = fd;
      }
    }
    if (polls[0].revents != 0) {
      talk(polls[0].revents);
    }
  }

  // Nobody says anything more: the backend goes away, then the clock does the rest.
  void idle() {
    must(++idle_ < 500 + patience_);
    if (idle_ == patience_) {
      for (const Link& link : links_) {
        ::close(link.fd);
      }
      links_.clear();
    } else if (idle_ > patience_) {
      world().pass_time();
    }
  }

  bool serve(Link& link, short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      std::array<char, 16384> bytes{};
      const ssize_t n = ::recv(link.fd, bytes.data(), bytes.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) {
        return false;
      }
      if (n > 0) {
        link.reader.add({bytes.data(), static_cast<std::size_t>(n)});
        while (!tunnel_ && link.reader.next()) {
          answer(link);
        }
      }
    }
    if (!link.answer.empty()) {
      const std::size_t most = (flags_ & kBackendDrips) != 0 ? kDrop : link.answer.size();
      const ssize_t n =
          ::send(link.fd, link.answer.data(), std::min(most, link.answer.size()), MSG_NOSIGNAL);
      if (n > 0) {
        link.answer.erase(0, static_cast<std::size_t>(n));
      }
      if (n < 0 && errno != EAGAIN) {
        return false;
      }
    }
    return !(link.answer.empty() && link.close_after);
  }

  void answer(Link& link) {
    if (answers_.empty()) {
      link.answer += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(nonce_.size()) +
                     "\r\n\r\n" + nonce_;
      return;
    }
    tunnel_ = tunnel_ || answers_.front().find("101") != std::string::npos;
    link.answer += answers_.front();
    answers_.pop_front();
    link.close_after = (flags_ & kBackendCloses) != 0 || answers_.empty();
  }

  void talk(short events) {
    if ((events & POLLOUT) != 0 && sent_ < request_.size()) {
      const std::size_t left = request_.size() - sent_;
      const std::size_t most = (flags_ & kClientDrips) != 0 ? std::min(kDrop, left) : left;
      const ssize_t n = ::send(client_, request_.data() + sent_, most, MSG_NOSIGNAL);
      sent_ = n < 0 && errno != EAGAIN ? request_.size()
                                       : sent_ + static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    }
    if (sent_ >= request_.size() && !closed_) {
      closed_ = true;
      if ((flags_ & kClientResets) != 0) {
        end();
        return;
      }
      if ((flags_ & kStaysOpen) == 0) {
        ::shutdown(client_, SHUT_WR);
      }
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      std::array<char, 16384> bytes{};
      const ssize_t n = ::recv(client_, bytes.data(), bytes.size(), 0);
      if (n > 0) {
        received_.append(bytes.data(), static_cast<std::size_t>(n));
      } else if (n == 0 || errno != EAGAIN) {
        end();
      }
    }
  }

  void end() {
    ::close(client_);
    client_ = -1;
  }

  static inline std::uint64_t serial_ = 0;
  unsigned flags_;
  std::string_view request_;
  std::deque<std::string> answers_;
  std::string nonce_;
  std::string received_;
  std::vector<Link> links_;
  int client_ = -1;
  std::size_t sent_ = 0;
  bool closed_ = false;
  bool tunnel_ = false;
  int patience_;
  int idle_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  constexpr std::string_view kBetween = "\xfe\xfe";
  std::string_view rest = as_text(data + 1, size - 1);
  std::size_t end = rest.find(kBetween);
  const std::string_view request = rest.substr(0, end);
  std::deque<std::string> answers;
  while (end != std::string_view::npos && answers.size() < 8) {
    rest.remove_prefix(end + kBetween.size());
    end = rest.find(kBetween);
    answers.emplace_back(rest.substr(0, end));
  }
  Run run{data[0], request, std::move(answers)};
  const std::string received = run.run();
  check_responses(received, head_requests(request));
  // No bytes of an earlier run. What the input itself says, be it as the backend, is none.
  const bool says_nonce = as_text(data, size).find("nonce-") != std::string_view::npos;
  for (std::size_t at = 0; (at = received.find("nonce-", at)) != std::string::npos; ++at) {
    must(received.compare(at, run.nonce().size(), run.nonce()) == 0 || says_nonce ||
         received.size() - at < run.nonce().size());
  }
  // And whatever happened, the next one is served as ever, however busy the machine is.
  Run probe{0, "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n", {}, 1000};
  const std::string answer = probe.run();
  const bool served = answer.ends_with("\r\n\r\n" + probe.nonce());
  if (!served) {
    std::fprintf(stderr, "the next request got: %s\n", answer.c_str());
  }
  must(served);
  return 0;
}
