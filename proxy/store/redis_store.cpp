#include "store/redis_store.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "http/hex.hpp"
#include "store/redis_scripts.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kValuePrefix = "v:";

std::string name_of(const SessionId& id) {
  std::string name = "keepsake:";
  append_store_key(id, name);
  return name;
}

bool is_error(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR;
}

std::int64_t read_stamp(std::string_view text) {
  std::int64_t stamp = 0;
  std::from_chars(text.data(), text.data() + text.size(), stamp);
  return stamp;
}

// The numbers of a call as text, and views of them.
struct TimeWords {
  explicit TimeWords(const StoreTimes& times)
      : now(std::to_string(times.now)),
        idle(std::to_string(times.idle_timeout)),
        absolute(std::to_string(times.absolute_timeout)),
        touch(std::to_string(times.touch_interval)) {}
  std::string now, idle, absolute, touch;
};

// On its own: whoever loaded the session does not wait for it, and if it fails the next one tries.
Task<void> send(std::shared_ptr<RedisConnection> connection, std::string command) {
  const RedisReply reply = co_await connection->call(command);
  if (reply && is_error(*reply)) {
    connection->report_refusal(redis_text(*reply));
  }
}

}  // namespace

RedisStore::Script RedisStore::script(std::string_view text) {
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  Script made{text, {}};
  for (const std::uint8_t byte : digest) {
    append_hex(byte, kLowerHex, made.sha1);
  }
  return made;
}

RedisStore::RedisStore(std::shared_ptr<RedisConnection> connection,
                       std::shared_ptr<const KeyRing> keys, Random& random)
    : connection_(std::move(connection)),
      sealer_(std::move(keys), random),
      load_(script(kLoadScript)),
      change_(script(kChangeScript)) {}

// `words` begin with two places for the name of the command and of the script. A server that was
// restarted without us noticing, or told to forget its scripts, learns them again.
Task<RedisReply> RedisStore::run(const Script& script, std::span<std::string_view> words) {
  words[0] = "EVALSHA";
  words[1] = script.sha1;
  std::string command;
  append_redis_command(words, command);
  RedisReply reply = co_await connection_->call(command);
  if (reply && is_error(*reply) && redis_text(*reply).starts_with("NOSCRIPT")) {
    words[0] = "EVAL";
    words[1] = script.text;
    command.clear();
    append_redis_command(words, command);
    reply = co_await connection_->call(command);
  }
  if (reply && is_error(*reply)) {
    connection_->report_refusal(redis_text(*reply));
    reply.reset();
  }
  co_return reply;
}

Task<StoreResult> RedisStore::load(const SessionId& id, const StoreTimes& times, Session& out) {
  const std::string name = name_of(id);
  const TimeWords time{times};
  std::array<std::string_view, 8> words{"",       "",        "1",           name,
                                        time.now, time.idle, time.absolute, time.touch};
  const RedisReply reply = co_await run(load_, words);
  if (!reply) {
    co_return StoreResult::Error;
  }
  if (reply->type != REDIS_REPLY_ARRAY) {
    co_return StoreResult::Missing;
  }
  const SessionId known = id;  // `out` may be where `id` is
  out.reset();
  if (!read_values(*reply, known, out)) {
    co_return StoreResult::Missing;
  }
  if (times.now - out.touched >= times.touch_interval) {
    out.touched = times.now;  // as the script has done
  }
  co_return StoreResult::Ok;
}

// False if nothing of it can be read. A value that does not open is left out: its secret is gone,
// or somebody wrote it who has none.
bool RedisStore::read_values(const redisReply& fields, const SessionId& id, Session& out) {
  const StoreKey key = store_key(id);
  std::vector<std::string> old;  // sealed by an older secret: field, as it is, as it is to be
  bool unreadable = false;
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view field = redis_text(*fields.element[i]);
    const std::string_view sealed = redis_text(*fields.element[i + 1]);
    if (field == "created") {
      out.created = read_stamp(sealed);
    } else if (field == "touched") {
      out.touched = read_stamp(sealed);
    } else if (field.starts_with(kValuePrefix)) {
      const auto value = sealer_.open(key, field, sealed);
      if (!value) {
        unreadable = true;
        continue;
      }
      out.set(field.substr(kValuePrefix.size()), value->text);
      if (value->key_index != 0) {
        const std::string text{value->text};
        old.insert(old.end(),
                   {std::string{field}, std::string{sealed}, sealer_.seal(key, field, text)});
      }
    }
  }
  if (unreadable) {
    connection_->report(StoreTrouble::Unreadable, "a value does not open with any secret");
  }
  if (!old.empty()) {
    reseal_later(id, old);
  }
  return !out.empty();
}

// Once per session after a new secret came; so an older one may go without a logout.
void RedisStore::reseal_later(const SessionId& id, std::span<const std::string> words) {
  const std::string name = name_of(id);
  std::vector<std::string_view> all{"EVAL", kResealScript, "1", name};
  all.insert(all.end(), words.begin(), words.end());
  std::string command;
  append_redis_command(all, command);
  start(send(connection_, std::move(command)));
}

Task<StoreResult> RedisStore::change(const SessionId* id, const SessionId* fresh,
                                     const StoreChanges& changes, std::size_t max_values,
                                     const StoreTimes& times) {
  if (id == nullptr && fresh == nullptr) {
    co_return StoreResult::Missing;
  }
  const std::string known_name = id != nullptr ? name_of(*id) : std::string{};
  const std::string fresh_name = fresh != nullptr ? name_of(*fresh) : std::string{};
  const TimeWords time{times};
  const std::string most = std::to_string(max_values);

  // A value is sealed for the session that it stands in, and only Redis knows which that will be.
  std::vector<std::string> sealed;
  sealed.reserve(changes.size() * 3);
  const auto seal = [&](const SessionId* session, const std::string& field,
                        const std::string& value) {
    return session == nullptr || value.empty() ? std::string{}
                                               : sealer_.seal(store_key(*session), field, value);
  };
  for (const auto& [key, value] : changes) {
    std::string field{kValuePrefix};
    field.append(key);
    sealed.push_back(field);
    sealed.push_back(seal(id, field, value));
    sealed.push_back(seal(fresh, field, value));
  }

  std::vector<std::string_view> words;
  words.reserve(12 + sealed.size());
  words.assign({"", "", id != nullptr && fresh != nullptr ? "2" : "1"});
  if (id != nullptr) {
    words.emplace_back(known_name);
  }
  if (fresh != nullptr) {
    words.emplace_back(fresh_name);
  }
  words.insert(words.end(), {time.now, time.idle, time.absolute, most});
  words.emplace_back(id == nullptr ? "fresh" : fresh == nullptr ? "known" : "either");
  words.insert(words.end(), sealed.begin(), sealed.end());

  const RedisReply reply = co_await run(change_, words);
  if (!reply || reply->type != REDIS_REPLY_INTEGER) {
    co_return StoreResult::Error;
  }
  constexpr std::array results{StoreResult::Missing, StoreResult::Ok, StoreResult::Created,
                               StoreResult::Emptied, StoreResult::TooMany};
  const auto result = static_cast<std::size_t>(reply->integer);
  co_return result < results.size() ? results[result] : StoreResult::Error;
}

Task<StoreResult> RedisStore::erase(const SessionId& id) {
  const StoreKey key = store_key(id);
  const StoreResult ended = co_await end(key);
  co_return ended == StoreResult::Missing ? StoreResult::Ok : ended;
}

}  // namespace keepsake
