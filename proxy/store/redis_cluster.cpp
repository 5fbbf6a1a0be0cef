#include "store/redis_cluster.hpp"

#include <algorithm>
#include <array>

#include "config/wipe.hpp"
#include "io/log.hpp"
#include "store/redis_greeting.hpp"
#include "store/store_rest.hpp"

namespace keepsake {

namespace {

// One MOVED is the rule while slots move, two may meet; more go in circles.
constexpr int kRedirections = 5;
// Between two questions for the slots.
constexpr Millis kBetweenLooks{250};

}  // namespace

class RedisCluster::Core {
 public:
  using Self = std::shared_ptr<Core>;
  using Node = std::shared_ptr<RedisConnection>;

  Core(const RedisConnection::Context& context, const RedisConfig& config)
      : config_(config), context_(context), rest_(context.io, context.random) {
    context_.in_cluster = true;
    context_.health.down();
  }
  ~Core() {
    if (!known_) {
      context_.health.up();
    }
    wipe(config_.password);
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Looks for the slots at the start, and whenever there is a reason.
  static Task<void> run(Self self);
  Task<RedisReply> call(std::string_view command, std::string_view key, RedisCall kind,
                        SteadyTime deadline);
  Task<RedisReply> call_share(std::size_t share, std::string_view command);
  std::size_t shares() const { return slots_.servers().size(); }
  void report(StoreTrouble trouble, std::string_view text);
  void report_refusal(std::string_view text);
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);
  void stop();

  const RedisConfig& config() const { return config_; }
  SteadyTime now() const { return context_.clock.steady(); }

 private:
  RedisConfig config_of(const RedisServer& server) const;
  Node node(const RedisServer& server);
  Node node_of(std::uint16_t slot);
  void look_soon();
  std::vector<RedisServer> servers_to_ask() const;
  Task<bool> look();
  Task<bool> ask_for_slots(RedisServer server);
  void note_servers();

  RedisConfig config_;
  RedisConnection::Context context_;
  RedisSlots slots_;
  std::map<std::string, Node> nodes_;                       // by url
  std::map<std::string, std::vector<Endpoint>> endpoints_;  // of names, by url
  StoreRest rest_;
  Wakeup reason_;         // run() waits for one
  bool wanted_ = false;   // there is one
  std::size_t next_ = 0;  // of servers_to_ask: another is the first each time
  bool known_ = false;
  bool stopped_ = false;
};

RedisConfig RedisCluster::Core::config_of(const RedisServer& server) const {
  RedisConfig one = config_;
  one.cluster.clear();
  one.host = server.host;
  one.port = server.port;
  return one;
}

RedisCluster::Core::Node RedisCluster::Core::node(const RedisServer& server) {
  RedisConfig one = config_of(server);
  const std::string url = redis_server(one).url;
  Node& found = nodes_[url];
  if (!found) {
    found = std::make_shared<RedisConnection>(context_, one);
    if (const auto known = endpoints_.find(url); known != endpoints_.end()) {
      found->set_endpoints(url, known->second);
    } else if (context_.look_up) {
      found->set_endpoints(url, context_.look_up(redis_server(one)));
    }
  }
  wipe(one.password);
  return found;
}

// While nothing is known of a slot, any server says where it is.
RedisCluster::Core::Node RedisCluster::Core::node_of(std::uint16_t slot) {
  if (const RedisServer* server = slots_.find(slot)) {
    return node(*server);
  }
  return node(config_.cluster[next_ % config_.cluster.size()]);
}

Task<RedisReply> RedisCluster::Core::call(std::string_view command, std::string_view key,
                                          RedisCall kind, SteadyTime deadline) {
  const std::uint16_t slot = redis_slot(key);
  Node asked = stopped_ ? nullptr : node_of(slot);
  bool asking = false;
  for (int i = 0; i < kRedirections && asked; ++i) {
    RedisReply reply;
    if (asking) {
      reply = co_await asked->call_asking(command, kind, deadline);
    } else {
      reply = co_await asked->call(command, key, kind, deadline);
    }
    if (!reply) {
      look_soon();  // another may have taken its place
      co_return nullptr;
    }
    if (reply->type != REDIS_REPLY_ERROR) {
      co_return reply;
    }
    const std::string_view text = redis_text(*reply);
    const std::optional<RedisRedirection> redirection = parse_redirection(text);
    if (!redirection) {
      if (!elsewhere(classify_redis_error(text))) {
        co_return reply;
      }
      asked->report_refusal(text);
      look_soon();
      co_return nullptr;
    }
    RedisServer server = redirection->server;
    server.host = server.host.empty() ? asked->config().host : server.host;
    asking = redirection->ask;
    if (!asking) {
      slots_.set(redirection->slot, server);
      look_soon();  // where one slot went others go, too
    }
    asked = stopped_ ? nullptr : node(server);
  }
  report(StoreTrouble::Cluster, "its servers redirect in circles");
  co_return nullptr;
}

Task<RedisReply> RedisCluster::Core::call_share(std::size_t share, std::string_view command) {
  if (stopped_ || share >= slots_.servers().size()) {
    co_return nullptr;
  }
  const Node asked = node(slots_.servers()[share]);
  co_return co_await asked->call_share(0, command);
}

void RedisCluster::Core::look_soon() {
  wanted_ = true;
  reason_.wake();
}

Task<void> RedisCluster::Core::run(Self self) {
  while (!self->stopped_) {
    self->wanted_ = false;
    if (co_await self->look()) {
      self->rest_.forgive();
      if (!self->stopped_) {
        StoreRest::Wait pause = self->rest_.pause(kBetweenLooks);
        co_await pause;
      }
      if (!self->wanted_ && !self->stopped_) {
        co_await self->reason_;
      }
    } else if (!self->stopped_) {
      self->report(StoreTrouble::ClusterDown, "none of its servers says where the keys are");
      StoreRest::Wait rest = self->rest_.after_failure();
      co_await rest;
    }
  }
}

// Those that are known, then those that the configuration names.
std::vector<RedisServer> RedisCluster::Core::servers_to_ask() const {
  std::vector<RedisServer> servers = slots_.servers();
  if (!servers.empty()) {
    const auto first = servers.begin() + static_cast<std::ptrdiff_t>(next_ % servers.size());
    std::rotate(servers.begin(), first, servers.end());
  }
  for (std::size_t i = 0; i < config_.cluster.size(); ++i) {
    servers.push_back(config_.cluster[(next_ + i) % config_.cluster.size()]);
  }
  return servers;
}

// One that answers is enough.
Task<bool> RedisCluster::Core::look() {
  const std::vector<RedisServer> servers = servers_to_ask();
  ++next_;
  bool done = false;
  for (std::size_t i = 0; i < servers.size() && !done && !stopped_; ++i) {
    const RedisServer server = servers[i];
    done = co_await ask_for_slots(server);
  }
  if (done && !stopped_) {
    note_servers();
  }
  co_return done;
}

Task<bool> RedisCluster::Core::ask_for_slots(RedisServer server) {
  const std::array<std::string_view, 2> words{"CLUSTER", "SLOTS"};
  std::string command;
  append_redis_command(words, command);
  const Node asked = node(server);
  const RedisReply reply = co_await asked->call_share(0, command);
  if (reply && reply->type == REDIS_REPLY_ERROR) {
    asked->report_refusal(redis_text(*reply));
  }
  if (!reply) {
    co_return false;
  }
  co_return slots_.read(*reply, server);
}

// Connections to servers that have no keys any more end.
void RedisCluster::Core::note_servers() {
  std::vector<std::string> used;
  for (const RedisServer& server : slots_.servers()) {
    RedisConfig one = config_of(server);
    wipe(one.password);
    used.push_back(redis_server(one).url);
  }
  std::erase_if(nodes_, [&](const auto& known) {
    return std::find(used.begin(), used.end(), known.first) == used.end();
  });
  context_.health.set_server("a cluster of " + std::to_string(used.size()) +
                             " masters, each session at the one that has its slot");
  if (!known_) {
    known_ = true;
    context_.health.up();
    log::info("redis cluster: connected, {} masters", used.size());
  }
}

void RedisCluster::Core::report(StoreTrouble trouble, std::string_view text) {
  if (!stopped_ && context_.health.note(trouble, now())) {
    log::warn("redis cluster: {}; {}", escape_for_log(text), remedy(trouble));
  }
}

void RedisCluster::Core::report_refusal(std::string_view text) {
  context_.health.refused(now());
  report(classify_redis_error(text), text);
}

void RedisCluster::Core::set_endpoints(const std::string& url,
                                       const std::vector<Endpoint>& endpoints) {
  endpoints_[url] = endpoints;
  if (const auto known = nodes_.find(url); known != nodes_.end()) {
    known->second->set_endpoints(url, endpoints);
  }
}

void RedisCluster::Core::stop() {
  stopped_ = true;
  for (const auto& [url, node] : nodes_) {
    node->stop();
  }
  rest_.cancel();
  reason_.wake();
}

RedisCluster::RedisCluster(const RedisConnection::Context& context, const RedisConfig& config)
    : core_(std::make_shared<Core>(context, config)) {
  start(Core::run(core_));
}

RedisCluster::~RedisCluster() {
  core_->stop();
}

const RedisConfig& RedisCluster::config() const {
  return core_->config();
}

SteadyTime RedisCluster::deadline() const {
  return core_->now() + core_->config().timeout;
}

Task<RedisReply> RedisCluster::call(std::string_view command, std::string_view key, RedisCall kind,
                                    SteadyTime deadline) {
  const std::shared_ptr<Core> core = core_;  // the call may outlive this
  co_return co_await core->call(command, key, kind, deadline);
}

std::size_t RedisCluster::shares() const {
  return core_->shares();
}

Task<RedisReply> RedisCluster::call_share(std::size_t share, std::string_view command) {
  const std::shared_ptr<Core> core = core_;
  co_return co_await core->call_share(share, command);
}

void RedisCluster::report_refusal(std::string_view text) {
  core_->report_refusal(text);
}

void RedisCluster::report(StoreTrouble trouble, std::string_view text) {
  core_->report(trouble, text);
}

void RedisCluster::set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints) {
  core_->set_endpoints(url, endpoints);
}

void RedisCluster::stop() {
  core_->stop();
}

}  // namespace keepsake
