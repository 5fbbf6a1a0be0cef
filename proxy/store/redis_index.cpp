// Which sessions in Redis have which value of session.index; a part of redis_store.hpp. An index is
// a key of its own, named by an HMAC of the value, in whatever slot of a cluster that is. It lists
// a session a little longer than the session lives, never shorter: it is written first, and a
// listing asks each session.

#include <array>
#include <utility>

#include "http/hex.hpp"
#include "store/index_tag.hpp"
#include "store/redis_scripts.hpp"
#include "store/redis_store.hpp"

namespace keepsake {

namespace {

std::string name_in(const StoreKey& key) {
  std::string name;
  append_store_key(key, name);
  return name;
}

std::string enter_command(std::string_view index, std::string_view entry, std::int64_t left,
                          const StoreTimes& times) {
  const std::string now = std::to_string(times.now);
  const std::string end = std::to_string(times.now + left - 1);
  const std::array<std::string_view, 9> words{"EVAL", kEnterScript, "1",   index, now,
                                              "",     "",           entry, end};
  std::string command;
  append_redis_command(words, command);
  return command;
}

std::string leave_command(std::string_view index, std::string_view entry) {
  const std::array<std::string_view, 3> words{"ZREM", index, entry};
  std::string command;
  append_redis_command(words, command);
  return command;
}

// A command whose failure costs nothing but a listing that is less exact.
Task<RedisReply> ask(const std::shared_ptr<RedisServers>& servers, const std::string& name,
                     const std::string& command, SteadyTime deadline) {
  RedisReply reply = co_await servers->call(command, name, RedisCall::Read, deadline);
  if (reply && reply->type == REDIS_REPLY_ERROR) {
    servers->report_refusal(redis_text(*reply));
    reply.reset();
  }
  co_return reply;
}

Task<void> tell(std::shared_ptr<RedisServers> servers, std::string name, std::string command) {
  const RedisReply reply = co_await ask(servers, name, command, servers->deadline());
}

// What move_entry() needs, all of it its own: the store may be gone before it ends.
struct Move {
  std::shared_ptr<RedisServers> servers;
  std::string index, session, entry, digits;
  std::string enter;   // the command
  std::string former;  // the name of the index before, or nothing
};

// Into the index, then the mark in the session, then out of the index before.
Task<void> move_entry(Move to) {
  const SteadyTime deadline = to.servers->deadline();
  const RedisReply entered = co_await ask(to.servers, to.index, to.enter, deadline);
  if (!entered) {
    co_return;
  }
  const std::array<std::string_view, 5> words{"EVAL", kMarkScript, "1", to.session, to.digits};
  std::string command;
  append_redis_command(words, command);
  const RedisReply marked = co_await ask(to.servers, to.session, command, deadline);
  if (marked && !to.former.empty()) {
    command = leave_command(to.former, to.entry);
    const RedisReply left = co_await ask(to.servers, to.former, command, deadline);
  }
}

}  // namespace

std::string RedisStore::digits_of(std::string_view value, std::size_t secret) const {
  std::string digits;
  for (const std::uint8_t byte : index_tag(keys_->at(secret).indexing, *index_, value)) {
    append_hex(byte, kLowerHex, digits);
  }
  return digits;
}

std::string RedisStore::digits_of(const Session& session) const {
  const auto value = index_ ? session.find(*index_) : std::nullopt;
  return value ? digits_of(*value, 0) : std::string{};
}

std::string RedisStore::index_name(std::string_view digits) const {
  return std::string{servers_->config().prefix}.append("index:").append(digits);
}

Task<bool> RedisStore::enter(std::string digits, StoreKey key, std::int64_t left,
                             StoreTimes times) {
  if (digits.empty()) {
    co_return true;
  }
  const std::array arguments{name_in(key), std::to_string(times.now + left - 1)};
  const std::string index = index_name(digits);
  const RedisReply reply = co_await run_at(enter_, index, times, arguments);
  co_return static_cast<bool>(reply);
}

Task<void> RedisStore::leave(std::string digits, StoreKey key, SteadyTime deadline) {
  if (digits.empty()) {
    co_return;
  }
  const std::string index = index_name(digits);
  const std::string command = leave_command(index, name_in(key));
  const RedisReply reply = co_await ask(servers_, index, command, deadline);
}

void RedisStore::enter_later(const std::string& digits, const StoreKey& key, std::int64_t left,
                             const StoreTimes& times) {
  const std::string index = index_name(digits);
  start(tell(servers_, index, enter_command(index, name_in(key), left, times)));
}

void RedisStore::keep_indexed(const Marks& marks, const StoreKey& key, const Session& session,
                              bool touched, const StoreTimes& times) {
  const std::string digits = digits_of(session);
  const std::int64_t left = time_left(session, times);
  if (digits == marks.index) {
    if (touched && !digits.empty()) {
      enter_later(digits, key, left, times);
    }
    return;
  }
  if (digits.empty()) {
    return;  // another key was indexed before; that index forgets it in time
  }
  const std::string index = index_name(digits);
  start(move_entry({servers_, index, name_of(key), name_in(key), digits,
                    enter_command(index, name_in(key), left, times),
                    marks.index.empty() ? std::string{} : index_name(marks.index)}));
}

}  // namespace keepsake
