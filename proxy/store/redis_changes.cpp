// What changes the sessions in Redis; a part of redis_store.hpp.

#include <algorithm>
#include <array>
#include <vector>

#include "store/redis_scripts.hpp"
#include "store/redis_store.hpp"

namespace keepsake {

namespace {

// So often a change looks again because somebody else renewed the session at the same moment.
constexpr int kAttempts = 3;

bool writes_privileged(const StoreWrite& write) {
  return std::any_of(write.values.begin(), write.values.end(), [&](const auto& change) {
    return std::find(write.privileged.begin(), write.privileged.end(), change.first) !=
           write.privileged.end();
  });
}

std::string field_of(std::string_view key) {
  return std::string{kValuePrefix}.append(key);
}

// How a script is told of a session's lifetime; empty: it has none of its own.
std::string lifetime_text(const std::optional<std::uint32_t>& lifetime) {
  return lifetime ? std::to_string(*lifetime) : std::string{};
}

// The same of a change: "" lets it stay, "-" takes it away.
std::string lifetime_text(const std::optional<LifetimeChange>& change) {
  if (!change) {
    return {};
  }
  return change->lifetime ? lifetime_text(change->lifetime) : "-";
}

// The sealed value of `field` in a reply of HGETALL.
std::optional<std::string_view> find_field(const redisReply& fields, std::string_view field) {
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    if (redis_text(*fields.element[i]) == field) {
      return redis_text(*fields.element[i + 1]);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string RedisStore::former_with(const StoreKey& key, std::string_view was) {
  std::string names;
  append_store_key(key, names);
  return names.append(was.substr(0, kFormerIds * kNameDigits));
}

Task<StoreWritten> RedisStore::change(const StoreWrite& write, const StoreTimes& given) {
  const StoreTimes times = bound(given);
  if (write.id == nullptr) {
    if (write.may_begin) {
      co_return co_await begin_anew(write, times);
    }
    co_return StoreWritten{StoreResult::Missing};
  }
  if (!write.renew && !writes_privileged(write)) {
    const StoreWritten written = co_await change_in_place(write, times);
    if (written.result != StoreResult::Former) {
      co_return written;
    }
  }
  co_return co_await change_or_renew(write, times);
}

// Without a look at it first. Former: nothing was changed.
Task<StoreWritten> RedisStore::change_in_place(const StoreWrite& write, const StoreTimes& times) {
  const StoreKey key = store_key(*write.id);
  std::vector<std::string> arguments{std::to_string(write.max_values),
                                     lifetime_text(write.lifetime)};
  for (const auto& [name, value] : write.values) {
    arguments.push_back(field_of(name));
    arguments.push_back(value.empty() ? std::string{} : sealer_.seal(key, arguments.back(), value));
  }
  const RedisReply reply = co_await run(change_, key, times, arguments);
  if (!reply) {
    co_return StoreWritten{StoreResult::Error};
  }
  if (reply->type == REDIS_REPLY_ARRAY) {
    const StoreResult ended = co_await end_rest(key, *reply, times.deadline);
    co_return StoreWritten{ended == StoreResult::Ok ? StoreResult::Emptied : ended};
  }
  switch (reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1) {
    case 0:
      break;
    case 1:
      co_return StoreWritten{StoreResult::Ok};
    case 4:
      co_return StoreWritten{StoreResult::TooMany};
    case 5:
      co_return StoreWritten{StoreResult::Former};
    default:
      co_return StoreWritten{StoreResult::Error};
  }
  if (write.may_begin) {
    co_return co_await begin_anew(write, times);
  }
  co_return StoreWritten{StoreResult::Missing};
}

Task<StoreWritten> RedisStore::begin_anew(const StoreWrite& write, const StoreTimes& times) {
  Session session;
  apply(write, session);
  if (session.size() > write.max_values) {
    co_return StoreWritten{StoreResult::TooMany};
  }
  session.created = times.now;
  co_return co_await begin(write, session, {}, times);
}

Task<StoreWritten> RedisStore::begin(const StoreWrite& write, const Session& session,
                                     std::string_view was, const StoreTimes& times) {
  if (session.empty()) {
    co_return StoreWritten{StoreResult::Missing};
  }
  const StoreKey key = store_key(write.fresh);
  const std::string digits = digits_of(session);
  const bool entered = co_await enter(digits, key, time_left(session, times), times);
  if (!entered) {
    co_return StoreWritten{StoreResult::Error};
  }
  std::vector<std::string> arguments{std::to_string(session.created), std::string{was},
                                     lifetime_text(session.lifetime), digits};
  for (std::size_t i = 0; i < session.size(); ++i) {
    arguments.push_back(field_of(session.at(i).key));
    arguments.push_back(sealer_.seal(key, arguments.back(), session.at(i).value));
  }
  const StoreWritten begun{StoreResult::Created, session.created, session.lifetime};
  const RedisReply reply = co_await run(begin_, key, times, arguments);
  co_return reply ? begun : StoreWritten{StoreResult::Error};
}

// Reads the session first: what is privileged is compared here, where it can be opened.
Task<StoreWritten> RedisStore::change_or_renew(const StoreWrite& write, const StoreTimes& times) {
  const StoreKey key = store_key(*write.id);
  const std::array never_touch{std::to_string(times.absolute_timeout + 1)};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const RedisReply fields = co_await run(load_, key, times, never_touch);
    if (!fields) {
      break;
    }
    Session before;
    const Marks marks =
        fields->type == REDIS_REPLY_ARRAY ? read_values(*fields, key, before) : Marks{};
    if (!marks.found && !marks.former) {
      if (write.may_begin) {
        co_return co_await begin_anew(write, times);
      }
      co_return StoreWritten{StoreResult::Missing};
    }
    Session after = before;
    if (marks.former) {
      erase_privileged(after, write.privileged);
      after.created = times.now;
      after.lifetime.reset();
    }
    apply(write, after);
    StoreWritten written;
    // Under a limit that was lowered since, a session keeps what it has and may shrink.
    if (after.size() > std::max(write.max_values, before.size())) {
      written.result = StoreResult::TooMany;
    } else if (marks.former) {
      std::string names = former_with(key, marks.was);
      names.resize(std::min(names.size(), kFormerIds * kNameDigits));
      written = co_await begin(write, after, names, times);
      written.result =
          written.result == StoreResult::Missing ? StoreResult::Emptied : written.result;
    } else if (after.empty()) {
      const StoreResult ended = co_await end_within(key, times);
      written.result = ended == StoreResult::Error ? ended : StoreResult::Emptied;
    } else if (write.renew || changes_privileged(before, after, write.privileged)) {
      written = co_await renew(write, *fields, marks, before, after, times);
    } else {
      written = co_await change_in_place(write, times);
    }
    if (written.result != StoreResult::Former) {
      co_return written;
    }
  }
  co_return StoreWritten{StoreResult::Error};
}

// The new key is written first: whatever fails then, the session is still there. Former: somebody
// else renewed it meanwhile, and nothing has changed.
Task<StoreWritten> RedisStore::renew(const StoreWrite& write, const redisReply& fields,
                                     const Marks& marks, const Session& before,
                                     const Session& after, const StoreTimes& times) {
  const StoreKey key = store_key(*write.id);
  const StoreKey fresh = store_key(write.fresh);
  const std::string names = former_with(key, marks.was);
  const std::size_t kept = std::min(names.size(), kFormerIds * kNameDigits);
  const std::string_view kept_names = std::string_view{names}.substr(0, kept);
  StoreWritten written = co_await begin(write, after, kept_names, times);
  if (written.result != StoreResult::Created) {
    co_return written;
  }
  std::vector<std::string> arguments{std::string{}};
  append_store_key(fresh, arguments.front());
  for (const std::string& name : write.privileged) {
    if (before.find(name) != after.find(name)) {
      arguments.push_back(field_of(name));
    }
  }
  const RedisReply latest = co_await run(retire_, key, times, arguments);
  if (!latest) {
    co_return StoreWritten{StoreResult::Error};
  }
  if (latest->type != REDIS_REPLY_ARRAY) {  // it ended, or was renewed; nobody knows the fresh one
    const std::string fresh_name = arguments.front();
    const StoreResult removed =
        co_await end_all(fresh_name, times.deadline);  // and not what it was before
    const std::string digits = digits_of(after);
    co_await leave(digits, fresh, times.deadline);
    written.result = removed == StoreResult::Error ? removed : StoreResult::Former;
    co_return written;
  }
  if (!co_await carry_over(write, fields, *latest, times)) {
    co_return StoreWritten{StoreResult::Error};
  }
  const std::string digits{find_field(*latest, "index").value_or("")};
  co_await leave(digits, key, times.deadline);
  const std::string_view cut_names = std::string_view{names}.substr(kept);
  const StoreResult ended = co_await end_all(cut_names, times.deadline);
  written.result = ended == StoreResult::Error ? ended : StoreResult::Renewed;
  co_return written;
}

// What others wrote between our look at the session and its end under this id goes on with it.
Task<bool> RedisStore::carry_over(const StoreWrite& write, const redisReply& before,
                                  const redisReply& latest, const StoreTimes& times) {
  const StoreKey key = store_key(*write.id);
  StoreChanges missed;
  const auto ours = [&](std::string_view name) {
    return std::any_of(write.values.begin(), write.values.end(),
                       [&](const auto& change) { return change.first == name; });
  };
  for (const redisReply* fields : {&latest, &before}) {
    for (std::size_t i = 0; i + 1 < fields->elements; i += 2) {
      const std::string_view field = redis_text(*fields->element[i]);
      if (!field.starts_with(kValuePrefix)) {
        continue;
      }
      const std::string name{field.substr(kValuePrefix.size())};
      const auto now = find_field(latest, field);
      if (ours(name) || now == find_field(before, field)) {
        continue;
      }
      if (!now) {
        missed.emplace_back(name, std::string{});
      } else if (const auto value = sealer_.open(key, field, *now); value && fields == &latest) {
        missed.emplace_back(name, std::string{value->text});
      }
    }
  }
  if (missed.empty()) {
    co_return true;
  }
  const StoreWrite patch{.id = &write.fresh, .values = missed, .max_values = write.max_values};
  const StoreWritten patched = co_await change_in_place(patch, times);
  co_return patched.result != StoreResult::Error;
}

}  // namespace keepsake
