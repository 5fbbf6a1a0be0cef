#include "store/redis_store.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "http/hex.hpp"
#include "store/redis_scripts.hpp"

namespace keepsake {

namespace {

bool is_error(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR;
}

std::int64_t read_stamp(std::string_view text) {
  std::int64_t stamp = 0;
  std::from_chars(text.data(), text.data() + text.size(), stamp);
  return stamp;
}

// On its own: whoever loaded the session does not wait for it, and if it fails the next one tries.
Task<void> send(std::shared_ptr<RedisServers> servers, std::string name, std::string command) {
  const RedisReply reply =
      co_await servers->call(command, name, RedisCall::Read, servers->deadline());
  if (reply && is_error(*reply)) {
    servers->report_refusal(redis_text(*reply));
  }
}

}  // namespace

RedisStore::Script RedisStore::script(std::string_view text, RedisCall kind) {
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  Script made{text, kind};
  for (const std::uint8_t byte : digest) {
    append_hex(byte, kLowerHex, made.sha1);
  }
  return made;
}

RedisStore::RedisStore(std::shared_ptr<RedisServers> servers, std::shared_ptr<const KeyRing> keys,
                       std::optional<std::string> index, Random& random)
    : servers_(std::move(servers)),
      keys_(std::move(keys)),
      sealer_(keys_, random),
      index_(std::move(index)),
      load_(script(kLoadScript, RedisCall::Read)),
      use_(script(kUseScript, RedisCall::Read)),
      change_(script(kChangeScript, RedisCall::Write)),
      begin_(script(kBeginScript, RedisCall::Write)),
      retire_(script(kRetireScript, RedisCall::Write)),
      end_(script(kEndScript, RedisCall::Write)),
      enter_(script(kEnterScript, RedisCall::Write)) {}

std::string RedisStore::name_of(const StoreKey& key) const {
  std::string name = servers_->config().prefix;
  append_store_key(key, name);
  return name;
}

StoreTimes RedisStore::bound(const StoreTimes& times) const {
  StoreTimes bounded = times;
  bounded.deadline = std::min(times.deadline, servers_->deadline());
  return bounded;
}

Task<RedisReply> RedisStore::run(const Script& script, const StoreKey& key, const StoreTimes& times,
                                 std::span<const std::string> arguments) {
  return run_at(script, name_of(key), times, arguments);
}

// Every script is told its session and the times, then its own arguments. A server that does not
// know the script yet, or was told to forget it, learns it. Null: no reply, or an error.
Task<RedisReply> RedisStore::run_at(const Script& script, std::string name, const StoreTimes& times,
                                    std::span<const std::string> arguments) {
  const std::array stamps{std::to_string(times.now), std::to_string(times.idle_timeout),
                          std::to_string(times.absolute_timeout)};
  std::vector<std::string_view> words{"EVALSHA", script.sha1, "1", name};
  words.reserve(words.size() + stamps.size() + arguments.size());
  words.insert(words.end(), stamps.begin(), stamps.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::string command;
  append_redis_command(words, command);
  RedisReply reply = co_await servers_->call(command, name, script.kind, times.deadline);
  if (reply && is_error(*reply) && redis_text(*reply).starts_with("NOSCRIPT")) {
    words[0] = "EVAL";
    words[1] = script.text;
    command.clear();
    append_redis_command(words, command);
    reply = co_await servers_->call(command, name, script.kind, times.deadline);
  }
  if (reply && is_error(*reply)) {
    servers_->report_refusal(redis_text(*reply));
    reply.reset();
  }
  co_return reply;
}

Task<StoreResult> RedisStore::load(const SessionId& id, const StoreTimes& times, Session& out) {
  const SessionId known = id;  // `out` may be where `id` is
  const StoreKey key = store_key(known);
  const std::array arguments{std::to_string(times.touch_interval)};
  const RedisReply reply = co_await run(load_, key, bound(times), arguments);
  if (!reply) {
    co_return StoreResult::Error;
  }
  out.reset();
  if (reply->type != REDIS_REPLY_ARRAY) {
    co_return StoreResult::Missing;
  }
  const Marks marks = read_values(*reply, key, out);
  if (marks.former) {
    co_return StoreResult::Former;
  }
  if (!marks.found) {
    co_return StoreResult::Missing;
  }
  const bool touched = times.now - out.touched >= touch_interval_of(out.lifetime, times);
  if (touched) {
    out.touched = times.now;  // as the script has done
  }
  if (index_) {
    keep_indexed(marks, key, out, touched, times);
  }
  co_return StoreResult::Ok;
}

// A value that does not open is left out: its secret is gone, or somebody wrote it who has none.
RedisStore::Marks RedisStore::read_values(const redisReply& fields, const StoreKey& key,
                                          Session& out) {
  Marks marks;
  std::vector<std::string> old;  // sealed by an older secret: field, as it is, as it is to be
  bool unreadable = false;
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view field = redis_text(*fields.element[i]);
    const std::string_view sealed = redis_text(*fields.element[i + 1]);
    if (field == "created") {
      out.created = read_stamp(sealed);
    } else if (field == "touched") {
      out.touched = read_stamp(sealed);
    } else if (field == "lifetime") {
      out.lifetime = static_cast<std::uint32_t>(read_stamp(sealed));
    } else if (field == "renewed") {
      marks.former = true;
    } else if (field == "was") {
      marks.was = sealed;
    } else if (field == "index") {
      marks.index = sealed;
    } else if (field == "refused") {
      servers_->report_refusal(sealed);
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
    servers_->report(StoreTrouble::Unreadable, "a value does not open with any secret");
  }
  if (!old.empty()) {
    reseal_later(key, old);
  }
  marks.found = !out.empty();
  return marks;
}

// Once per session after a new secret came; so an older one may go without a logout.
void RedisStore::reseal_later(const StoreKey& key, std::span<const std::string> words) {
  const std::string name = name_of(key);
  std::vector<std::string_view> all{"EVAL", kResealScript, "1", name};
  all.insert(all.end(), words.begin(), words.end());
  std::string command;
  append_redis_command(all, command);
  start(send(servers_, name, std::move(command)));
}

Task<StoreResult> RedisStore::use(StoreKey& key, const std::optional<StoreUse>& use,
                                  const StoreTimes& given) {
  const StoreTimes times = bound(given);
  const std::array arguments{std::to_string(times.touch_interval),
                             use ? std::to_string(use->from) : std::string{},
                             use ? std::to_string(use->to) : std::string{}};
  for (std::size_t renewals = 0; renewals <= kFormerIds; ++renewals) {
    const RedisReply reply = co_await run(use_, key, times, arguments);
    if (!reply) {
      co_return StoreResult::Error;
    }
    if (reply->type == REDIS_REPLY_INTEGER) {
      co_return reply->integer == 1 ? StoreResult::Ok : StoreResult::Missing;
    }
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
      enter_later(std::string{redis_text(*reply->element[1])}, key, reply->element[0]->integer,
                  times);
      co_return StoreResult::Ok;
    }
    const std::optional<StoreKey> next = parse_store_key(redis_text(*reply));
    if (!next) {
      break;
    }
    key = *next;
  }
  co_return StoreResult::Missing;
}

Task<StoreResult> RedisStore::erase(const SessionId& id) {
  const StoreKey key = store_key(id);
  co_return co_await end(key);
}

Task<StoreResult> RedisStore::end(const StoreKey& key) {
  const StoreTimes times = bound({});
  co_return co_await end_within(key, times);
}

Task<StoreResult> RedisStore::end_within(const StoreKey& key, const StoreTimes& times) {
  const RedisReply reply = co_await run(end_, key, times, {});
  if (!reply) {
    co_return StoreResult::Error;
  }
  if (reply->type == REDIS_REPLY_INTEGER) {
    co_return StoreResult::Missing;
  }
  co_return co_await end_rest(key, *reply, times.deadline);
}

Task<StoreResult> RedisStore::end_rest(const StoreKey& key, const redisReply& marks,
                                       SteadyTime deadline) {
  if (marks.type != REDIS_REPLY_ARRAY || marks.elements != 2) {
    co_return StoreResult::Error;
  }
  const std::string digits{redis_text(*marks.element[1])};
  co_await leave(digits, key, deadline);
  co_return co_await end_all(redis_text(*marks.element[0]), deadline);
}

// `names`: of former ids, 64 digits each.
Task<StoreResult> RedisStore::end_all(std::string_view names, SteadyTime deadline) {
  StoreResult result = StoreResult::Ok;
  for (std::size_t at = 0; at < kFormerIds && names.size() >= kNameDigits; ++at) {
    const std::string name = servers_->config().prefix + std::string{names.substr(0, kNameDigits)};
    const std::array<std::string_view, 2> words{"DEL", name};
    std::string command;
    append_redis_command(words, command);
    const RedisReply reply = co_await servers_->call(command, name, RedisCall::Write, deadline);
    if (reply && is_error(*reply)) {
      servers_->report_refusal(redis_text(*reply));
    }
    result = reply && !is_error(*reply) ? result : StoreResult::Error;
    names.remove_prefix(kNameDigits);
  }
  co_return result;
}

}  // namespace keepsake
