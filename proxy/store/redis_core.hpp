#pragma once
// The inside of RedisConnection: what its parts share. redis_connection.cpp has what callers ask
// for and what comes of it, redis_life.cpp the connection from its first byte to its last,
// redis_sentinel.cpp the search for the server to connect to, redis_replicas.cpp the wait for
// copies of a write.

#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "config/wipe.hpp"
#include "io/tls_session.hpp"
#include "store/redis_connection.hpp"
#include "store/redis_greeting.hpp"
#include "store/redis_queue.hpp"
#include "store/store_rest.hpp"

namespace keepsake {

class RedisConnection::Core {
 public:
  Core(const Context& context, const RedisConfig& config);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  using Self = std::shared_ptr<Core>;
  static Task<void> run(Self self);
  // One or two commands at once; the replies in `pending`.
  Task<void> call(PendingCommand& pending, Self self);
  // Around a write, with session.redis.replicas.
  bool admits_write();
  Task<bool> is_replicated(SteadyTime deadline, Self self);
  void set_endpoints(const std::string& url, const std::vector<Endpoint>& endpoints);
  void report(StoreTrouble trouble, std::string_view text);
  void report_refusal(std::string_view text);
  void leave();
  void stop();

  const RedisConfig& config() const { return config_; }
  SteadyTime now() const { return context_.clock.steady(); }

 private:
  // Leaving: what was sent is still answered, the rest waits for the next connection.
  enum class State : std::uint8_t { Connecting, Ready, Leaving, Resting };

  // A write that waits for replicas, in the frame of its coroutine.
  struct Copying {
    SteadyTime deadline;
    unsigned connection;
    bool reached = false;
    bool over = false;
    Wakeup done{};
  };

  // Whom to ask which server is the master.
  struct Sentinel {
    std::string url;
    std::string host;
    std::vector<Endpoint> endpoints;
  };

  Task<bool> live(Self self);
  Task<bool> connect(Self self);
  Task<bool> open(std::vector<Endpoint> endpoints, std::size_t first, std::string name,
                  std::shared_ptr<const TlsBackend> tls);
  Task<bool> greet();
  bool accepts(const RedisGreeting& greeting, std::size_t index, const redisReply& reply);
  Task<bool> find_master(Self self);
  Task<bool> ask_sentinel(std::size_t index);
  void use_master(const RedisServer& master, const std::string& sentinel);
  void begin_attempt(const Self& self);
  Task<void> ask_for_copies(Self self);
  void end_copies(std::size_t asked, bool reached, bool may_wait);
  Task<RedisReply> read_reply();
  Task<void> write_out();
  void flush();
  void watch(const Self& self);
  void check();

  RedisConfig config_;
  const Context context_;
  std::string host_;   // to connect to
  std::string name_;   // of the server, in logs and for the resolver
  std::string place_;  // and why it is this one
  std::vector<Endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  Endpoint endpoint_;  // of the connection in use
  std::vector<Sentinel> sentinels_;
  std::size_t next_sentinel_ = 0;

  State state_ = State::Connecting;
  bool stopped_ = false;
  bool up_ = false;         // as told to health
  TlsSession tls_session_;  // of no use to the next connection: each is verified anew
  std::unique_ptr<Stream> stream_;
  std::string why_;  // the last connection could not be opened
  StoreTrouble trouble_ = StoreTrouble::Unreachable;
  RedisReader reader_;
  std::optional<SteadyTime> attempt_deadline_;
  bool silent_ = false;          // our timer ended the connection
  unsigned opened_ = 0;          // connections so far
  unsigned tls_generation_ = 0;  // of the files that verified this one
  SteadyTime last_leave_{};
  Wakeup addresses_;  // connect() waits for set_endpoints

  asio::steady_timer timer_;  // for the attempt or the oldest command, whichever is due first
  bool watching_ = false;
  SteadyTime watched_ = SteadyTime::max();  // when it is set for
  StoreRest rest_;
  RedisGreeting greeting_;

  StoreBreaker replicas_;
  std::vector<Copying*> copies_;  // writes that wait for replicas, oldest first
  bool asking_for_copies_ = false;
  StoreRest between_waits_;
  RedisQueue queue_;
  std::size_t sent_ = 0;  // of the queue, on the connection in use
  std::vector<char> buffer_;
  std::string out_;      // to be sent
  std::string sending_;  // being sent
  bool writing_ = false;
  Wakeup written_;
};

}  // namespace keepsake
