// What operators ask of the sessions in Redis; the other half of redis_store.hpp.

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "store/redis_scripts.hpp"
#include "store/redis_store.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kPrefix = "keepsake:";
// Redis serves nobody else while a script runs: so many keys are looked at in one, and so many
// scripts answer one question.
constexpr std::size_t kKeysAtOnce = 250;
constexpr int kScripts = 16;

bool is_cursor(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t number_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) {
    return reply.integer;
  }
  std::int64_t number = 0;
  const std::string_view text = redis_text(reply);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Of a reply of kListScript: the cursor, then four elements per session. What is not ours or over
// by its stamps is left out.
void read_page(const redisReply& page, const StoreTimes& times, StoreListing& listing) {
  for (std::size_t i = 1; i + 3 < page.elements; i += 4) {
    std::string_view name = redis_text(*page.element[i]);
    name.remove_prefix(std::min(kPrefix.size(), name.size()));
    const std::optional<StoreKey> key = parse_store_key(name);
    const std::int64_t created = number_of(*page.element[i + 1]);
    const std::int64_t touched = number_of(*page.element[i + 2]);
    const std::int64_t values = number_of(*page.element[i + 3]);
    if (key && values >= 0 && times.now - touched <= times.idle_timeout &&
        times.now - created <= times.absolute_timeout) {
      listing.entries.push_back({*key, created, touched, static_cast<std::size_t>(values)});
    }
  }
}

}  // namespace

Task<StoreListing> RedisStore::list(const std::string& after, std::size_t limit,
                                    const StoreTimes& times) {
  StoreListing listing;
  std::string cursor = after.empty() ? "0" : after;
  if (!is_cursor(cursor)) {
    listing.result = StoreResult::Missing;
    co_return listing;
  }
  for (int i = 0; i < kScripts && listing.entries.size() < limit; ++i) {
    const std::string most = std::to_string(std::min(kKeysAtOnce, limit - listing.entries.size()));
    const std::array<std::string_view, 5> words{"EVAL", kListScript, "0", cursor, most};
    std::string command;
    append_redis_command(words, command);
    const RedisReply reply = co_await connection_->call(command);
    if (reply && reply->type == REDIS_REPLY_ERROR) {
      // Visitors need none of this: the store is no worse for them.
      log::warn("redis does not list sessions: {}", redis_text(*reply));
    }
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        !is_cursor(redis_text(*reply->element[0]))) {
      listing.result = StoreResult::Error;
      co_return listing;
    }
    read_page(*reply, times, listing);
    cursor = redis_text(*reply->element[0]);
    if (cursor == "0") {
      co_return listing;
    }
  }
  listing.next = cursor;
  co_return listing;
}

Task<StoreResult> RedisStore::end(const StoreKey& key) {
  std::string name{kPrefix};
  append_store_key(key, name);
  const std::array<std::string_view, 2> words{"DEL", name};
  std::string command;
  append_redis_command(words, command);
  const RedisReply reply = co_await connection_->call(command);
  if (reply && reply->type == REDIS_REPLY_ERROR) {
    connection_->report_refusal(redis_text(*reply));
    co_return StoreResult::Error;
  }
  if (!reply) {
    co_return StoreResult::Error;
  }
  co_return number_of(*reply) == 0 ? StoreResult::Missing : StoreResult::Ok;
}

}  // namespace keepsake
