#include "backend/name_service.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <climits>

namespace keepsake {

namespace {

// A name server is asked twice, the second time for twice as long.
constexpr int kTimeoutMs = 1500;
constexpr int kTries = 2;
// How often /etc/hosts is read for localhost.
constexpr std::chrono::seconds kFilesAgain{5};

// Changes when the file does, whatever links lead to it.
std::string stamp_of(const char* path) {
  struct stat s{};
  if (::stat(path, &s) != 0) {
    return {};
  }
  return fmt::format("{} {} {}.{} {}", s.st_dev, s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                     s.st_size);
}

// RFC 6761 6.3: such a name is the loopback's, and no name server is asked for it.
bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  constexpr std::string_view name = "localhost";
  return host.size() >= name.size() &&
         std::equal(name.begin(), name.end(), host.end() - name.size(),
                    [](char a, char b) { return a == (b | 0x20); }) &&
         (host.size() == name.size() || host[host.size() - name.size() - 1] == '.');
}

bool is_loopback(const Endpoint& endpoint) {
  if (endpoint.protocol().family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(endpoint.data());
    return ntohl(in->sin_addr.s_addr) >> 24U == 127;
  }
  const auto* in = reinterpret_cast<const sockaddr_in6*>(endpoint.data());
  return IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
}

// Both loopback addresses for localhost: /etc/hosts often has only one, and the service may listen
// at the other. What /etc/hosts says otherwise stays.
void complete_localhost(std::uint16_t port, Resolved& resolved) {
  std::vector<Endpoint>& all = resolved.endpoints;
  if (!std::all_of(all.begin(), all.end(), is_loopback)) {
    return;
  }
  resolved.error.clear();
  resolved.ttl = kFilesAgain;
  for (const char* text : {"127.0.0.1", "::1"}) {
    const Endpoint endpoint{asio::ip::tcp::endpoint{asio::ip::make_address(text), port}};
    if (std::find(all.begin(), all.end(), endpoint) == all.end()) {
      all.push_back(endpoint);
    }
  }
}

Endpoint endpoint_of(const ares_addrinfo_node& node, std::uint16_t port) {
  Endpoint endpoint{node.ai_addr, static_cast<std::size_t>(node.ai_addrlen), 0};
  if (node.ai_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(endpoint.data())->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(endpoint.data())->sin6_port = htons(port);
  }
  return endpoint;
}

Resolved read(const ares_addrinfo& info, std::uint16_t port) {
  Resolved resolved;
  int ttl = INT_MAX;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET || node->ai_family == AF_INET6) {
      resolved.endpoints.push_back(endpoint_of(*node, port));
      ttl = std::min(ttl, node->ai_ttl);
    }
  }
  for (const ares_addrinfo_cname* name = info.cnames; name != nullptr; name = name->next) {
    if (name->name != nullptr) {
      ttl = std::min(ttl, name->ttl);
    }
  }
  resolved.ttl = std::chrono::seconds{std::max(0, ttl)};
  if (resolved.endpoints.empty()) {
    resolved.error = "the answer has no address";
  }
  return resolved;
}

}  // namespace

struct NameService::Question {
  NameService* asker;
  std::string host;
  std::uint16_t port;
  Done done;
};

void NameService::Destroy::operator()(ares_channeldata* channel) const {
  ares_destroy(channel);
}

NameService::NameService(Options options) : options_(std::move(options)) {
  ares_library_init(ARES_LIB_INIT_ALL);
}

NameService::~NameService() {
  reopening_ = true;
  channel_.reset();
  ares_library_cleanup();
}

// `lookups`: f for files, b for name servers, in this order.
NameService::Channel NameService::make_channel(std::string lookups) {
  ares_options wanted{};
  wanted.timeout = kTimeoutMs;
  wanted.tries = kTries;
  wanted.lookups = lookups.data();
  wanted.sock_state_cb = on_socket;
  wanted.sock_state_cb_data = this;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
  in_addr server{};
  if (!options_.server.empty() && ::inet_pton(AF_INET, options_.server.c_str(), &server) == 1) {
    wanted.servers = &server;
    wanted.nservers = 1;
    wanted.udp_port = options_.port;
    wanted.tcp_port = options_.port;
    mask |= ARES_OPT_SERVERS | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
  }
  ares_channeldata* channel = nullptr;
  if (ares_init_options(&channel, &wanted, mask) != ARES_SUCCESS) {
    return nullptr;
  }
  return Channel{channel};
}

// A channel has the name servers of its beginning; a laptop, or a VPN, gets others.
void NameService::follow_resolv_conf() {
  std::string stamp = stamp_of("/etc/resolv.conf");
  if (channel_ && stamp == config_stamp_) {
    return;
  }
  config_stamp_ = std::move(stamp);
  reopening_ = true;
  channel_.reset();
  reopening_ = false;
  sockets_.clear();
  channel_ = make_channel("fb");
  for (std::unique_ptr<Question>& question : std::exchange(again_, {})) {
    send(channel_, std::move(question));
  }
}

void NameService::ask(const std::string& host, std::uint16_t port, Done done) {
  auto question = std::make_unique<Question>(Question{this, host, port, std::move(done)});
  if (is_localhost(host)) {
    const Channel files = make_channel("f");  // answers at once
    send(files, std::move(question));
    return;
  }
  follow_resolv_conf();
  send(channel_, std::move(question));
}

void NameService::send(const Channel& channel, std::unique_ptr<Question> question) {
  if (!channel) {
    question->done(Resolved{{}, "no memory to ask with", {}});
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;  // both, whatever this host has: a loopback may be its only network
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  const std::string& host = question->host;
  ares_getaddrinfo(
      channel.get(), host.c_str(), nullptr, &hints,
      [](void* asked, int status, int timeouts, ares_addrinfo* info) {
        on_answer(asked, status, timeouts, info);
      },
      question.release());
}

void NameService::on_answer(void* asked, int status, int, void* given) {
  auto* const info = static_cast<ares_addrinfo*>(given);
  std::unique_ptr<Question> question{static_cast<Question*>(asked)};
  NameService& self = *question->asker;
  if (self.reopening_ && (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)) {
    self.again_.push_back(std::move(question));
    return;
  }
  Resolved resolved;
  if (status == ARES_SUCCESS && info != nullptr) {
    resolved = read(*info, question->port);
  } else {
    resolved.error = ares_strerror(status);
  }
  if (info != nullptr) {
    ares_freeaddrinfo(info);
  }
  if (is_localhost(question->host)) {
    complete_localhost(question->port, resolved);
  }
  question->done(std::move(resolved));
}

void NameService::on_socket(void* asker, int fd, int readable, int writable) {
  auto& sockets = static_cast<NameService*>(asker)->sockets_;
  const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
  if (events == 0) {
    sockets.erase(fd);
  } else {
    sockets[fd] = static_cast<short>(events);
  }
}

void NameService::add_descriptors(std::vector<pollfd>& polls) const {
  for (const auto& [fd, events] : sockets_) {
    polls.push_back({fd, events, 0});
  }
}

Millis NameService::patience(Millis most) const {
  if (!channel_) {
    return most;
  }
  timeval limit{};
  limit.tv_sec = most.count() / 1000;
  limit.tv_usec = most.count() % 1000 * 1000;
  timeval found{};
  const timeval* next = ares_timeout(channel_.get(), &limit, &found);
  return Millis{next->tv_sec * 1000 + (next->tv_usec + 999) / 1000};
}

void NameService::look(const std::vector<pollfd>& polls) {
  if (!channel_) {
    return;
  }
  for (const pollfd& poll : polls) {
    if (poll.revents == 0 || !sockets_.contains(poll.fd)) {
      continue;
    }
    const bool readable = (poll.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool writable = (poll.revents & POLLOUT) != 0;
    ares_process_fd(channel_.get(), readable ? poll.fd : ARES_SOCKET_BAD,
                    writable ? poll.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what is out of time
}

}  // namespace keepsake
