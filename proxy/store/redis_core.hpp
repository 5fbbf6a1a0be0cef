#pragma once
// The inside of RedisConnection: what its two halves share. redis_connection.cpp has what callers
// ask for and what comes of it, redis_life.cpp the connection from its first byte to its last.

#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "config/wipe.hpp"
#include "store/redis_connection.hpp"
#include "store/redis_greeting.hpp"
#include "store/redis_queue.hpp"

namespace keepsake {

class RedisConnection::Core {
 public:
  Core(const Context& context, const RedisConfig& config, std::vector<Endpoint> endpoints)
      : config_(config),
        context_(context),
        endpoints_(std::move(endpoints)),
        timer_(context.io),
        rest_timer_(context.io),
        greeting_(redis_greeting(config_)),
        buffer_(std::size_t{16} * 1024) {
    context_.health.down();
  }
  ~Core() {
    if (!up_) {
      context_.health.up();
    }
    wipe(config_.password);
    wipe(greeting_.commands);
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  static Task<void> run(std::shared_ptr<Core> self);
  Task<RedisReply> call(std::string_view command, std::shared_ptr<Core> self);
  void set_endpoints(std::vector<Endpoint> endpoints);
  void report(StoreTrouble trouble, std::string_view text);
  void report_refusal(std::string_view text);
  void leave();
  void stop();

  const RedisConfig& config() const { return config_; }

 private:
  // Leaving: what was sent is still answered, the rest waits for the next connection.
  enum class State : std::uint8_t { Connecting, Ready, Leaving, Resting };

  struct TimerWait {
    asio::steady_timer& timer;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer.async_wait([waiter](const error_code&) { waiter.resume(); });
    }
    void await_resume() const {}
  };

  SteadyTime now() const { return context_.clock.steady(); }
  Task<bool> live();
  Task<bool> connect();
  Task<bool> greet();
  Task<RedisReply> read_reply();
  Task<void> write_out();
  void flush();
  void watch(const std::shared_ptr<Core>& self);
  void check();
  Millis next_rest();

  RedisConfig config_;
  const Context context_;
  std::vector<Endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  Endpoint endpoint_;  // of the connection in use
  State state_ = State::Connecting;
  bool stopped_ = false;
  bool up_ = false;  // as told to health
  std::unique_ptr<Stream> stream_;
  RedisReader reader_;
  std::optional<SteadyTime> attempt_deadline_;
  bool silent_ = false;  // our timer ended the connection
  unsigned failed_attempts_ = 0;
  SteadyTime last_leave_{};
  Wakeup addresses_;  // live() waits for set_endpoints

  asio::steady_timer timer_;  // for the attempt or the oldest command, whichever is due first
  bool watching_ = false;
  asio::steady_timer rest_timer_;
  RedisGreeting greeting_;

  RedisQueue queue_;
  std::size_t sent_ = 0;  // of the queue, on the connection in use
  std::vector<char> buffer_;
  std::string out_;      // to be sent
  std::string sending_;  // being sent
  bool writing_ = false;
  Wakeup written_;
};

}  // namespace keepsake
