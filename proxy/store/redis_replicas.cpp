// session.redis.replicas: a write counts once so many replicas have it. A part of redis_core.hpp.
//
// WAIT holds up what its connection asks behind it, so each waits for a moment only, for all writes
// before it at once, and is asked again: reads go on between them when the replicas are gone.

#include <array>
#include <utility>

#include "store/redis_core.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kMoment = "1";  // milliseconds
constexpr Millis kBetweenWaits{2};

std::string wait_command(unsigned replicas) {
  const std::string count = std::to_string(replicas);
  const std::array<std::string_view, 3> words{"WAIT", count, kMoment};
  std::string command;
  append_redis_command(words, command);
  return command;
}

}  // namespace

// While the replicas do not follow, one write at a time finds out whether they do again.
bool RedisConnection::Core::admits_write() {
  if (config_.replicas == 0 || replicas_.admits(now(), copies_.empty())) {
    return true;
  }
  report(StoreTrouble::Replicas, "no write is sent while too few replicas follow");
  return false;
}

// Whether what this connection has written is where session.redis.replicas wants it. A write that
// is not may have been done all the same; it does not count.
Task<bool> RedisConnection::Core::is_replicated(SteadyTime deadline, Self self) {
  Copying copying{deadline, opened_};
  copies_.push_back(&copying);
  if (!asking_for_copies_) {
    asking_for_copies_ = true;
    start(ask_for_copies(self));
  }
  if (!copying.over) {
    co_await copying.done;
  }
  if (copying.reached) {
    replicas_.forgive();
  } else {
    replicas_.note_failures(1, now());
    report(StoreTrouble::Replicas, "a write has not reached as many replicas as it must");
  }
  co_return copying.reached;
}

Task<void> RedisConnection::Core::ask_for_copies(Self self) {
  const std::string command = wait_command(config_.replicas);
  while (!copies_.empty()) {
    const std::size_t asked = copies_.size();  // the others may be written behind this
    PendingCommand pending{command, now() + config_.timeout};
    co_await call(pending, self);
    const bool refused = pending.reply && pending.reply->type == REDIS_REPLY_ERROR;
    if (refused) {
      report_refusal(redis_text(*pending.reply));
    }
    const bool answered = pending.reply && !refused;
    const bool reached = answered && pending.reply->type == REDIS_REPLY_INTEGER &&
                         pending.reply->integer >= static_cast<long long>(config_.replicas);
    end_copies(asked, reached, answered && !stopped_);
    if (!copies_.empty() && !reached) {
      StoreRest::Wait pause = between_waits_.pause(kBetweenWaits);
      co_await pause;
    }
  }
  asking_for_copies_ = false;
}

// Of the first `asked`. What another connection wrote is not what this one was asked about.
void RedisConnection::Core::end_copies(std::size_t asked, bool reached, bool may_wait) {
  std::vector<Copying*> ended;
  std::size_t place = 0;
  std::erase_if(copies_, [&](Copying* copying) {
    const bool same = copying->connection == opened_;
    copying->reached = reached && same && place < asked;
    ++place;
    copying->over = copying->reached || !may_wait || !same || copying->deadline <= now();
    if (copying->over) {
      ended.push_back(copying);
    }
    return copying->over;
  });
  for (Copying* copying : ended) {
    copying->done.wake();  // ends its life
  }
}

}  // namespace keepsake
