// What operators ask of the sessions in Redis; the other half of redis_store.hpp.

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "store/redis_store.hpp"

namespace keepsake {

namespace {

// So many keys are looked at together, and so many times for one question.
constexpr std::size_t kKeysAtOnce = 250;
constexpr int kScans = 16;

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string text_of(const RedisPlace& place) {
  return place.share == 0 ? place.cursor : std::to_string(place.share) + ":" + place.cursor;
}

std::optional<RedisPlace> parse_place(std::string_view text) {
  RedisPlace place;
  if (text.empty()) {
    return place;
  }
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::string_view share = text.substr(0, colon);
    if (!is_number(share) || share.size() > 4) {
      return std::nullopt;
    }
    std::from_chars(share.data(), share.data() + share.size(), place.share);
    text.remove_prefix(colon + 1);
  }
  place.cursor = text;
  return is_number(text) ? std::optional{place} : std::nullopt;
}

std::optional<std::int64_t> number_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) {
    return reply.integer;
  }
  std::int64_t number = 0;
  const std::string_view text = redis_text(reply);
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size() && !text.empty()
             ? std::optional{number}
             : std::nullopt;
}

// A pattern of SCAN that only this text matches.
std::string escape_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view{"*?[]^\\"}.find(c) != std::string_view::npos) {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  return out;
}

// The sessions of one SCAN, asked for all at once and put together as the replies come.
struct Page {
  StoreListing& listing;
  const StoreTimes& times;
  std::size_t waiting = 0;
  bool failed = false;
  Wakeup done{};
};

// What is no session, or is over by its stamps, or goes on under another id, is left out.
void add_entry(Page& page, const StoreKey& key, const redisReply& stamps, std::int64_t fields) {
  if (stamps.type != REDIS_REPLY_ARRAY || stamps.elements != 4 ||
      stamps.element[2]->type != REDIS_REPLY_NIL) {
    return;
  }
  const auto created = number_of(*stamps.element[0]);
  const auto touched = number_of(*stamps.element[1]);
  const std::int64_t values = fields - (stamps.element[3]->type == REDIS_REPLY_NIL ? 2 : 3);
  if (created && touched && values >= 0 && page.times.now - *touched <= page.times.idle_timeout &&
      page.times.now - *created <= page.times.absolute_timeout) {
    page.listing.entries.push_back({key, *created, *touched, static_cast<std::size_t>(values)});
  }
}

Task<void> look_at(RedisServers& servers, Page& page, StoreKey key, std::string name) {
  const std::array<std::string_view, 6> ask_stamps{"HMGET",   name,      "created",
                                                   "touched", "renewed", "was"};
  const std::array<std::string_view, 2> ask_count{"HLEN", name};
  std::string command;
  append_redis_command(ask_stamps, command);
  const RedisReply stamps =
      co_await servers.call(command, name, RedisCall::Read, servers.deadline());
  command.clear();
  append_redis_command(ask_count, command);
  RedisReply count;
  if (stamps) {
    count = co_await servers.call(command, name, RedisCall::Read, servers.deadline());
  }
  if (!count) {
    page.failed = true;
  } else if (count->type == REDIS_REPLY_INTEGER) {
    add_entry(page, key, *stamps, count->integer);
  }
  if (--page.waiting == 0) {
    page.done.wake();
  }
}

}  // namespace

// One SCAN, and what it found.
Task<bool> RedisStore::list_page(RedisPlace& place, std::size_t most, const StoreTimes& times,
                                 StoreListing& listing) {
  const std::string& prefix = servers_->config().prefix;
  const std::string pattern = escape_pattern(prefix) + "*";
  const std::string count = std::to_string(most);
  const std::array<std::string_view, 6> words{"SCAN",  place.cursor, "MATCH",
                                              pattern, "COUNT",      count};
  std::string command;
  append_redis_command(words, command);
  const RedisReply reply = co_await servers_->call_share(place.share, command);
  if (reply && reply->type == REDIS_REPLY_ERROR) {
    // Visitors need none of this: the store is no worse for them.
    log::warn("redis does not list sessions: {}", escape_for_log(redis_text(*reply)));
  }
  if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
      !is_number(redis_text(*reply->element[0]))) {
    co_return false;
  }
  Page page{listing, times};
  page.waiting = 1;  // this one, until all are asked
  const redisReply& names = *reply->element[1];
  for (std::size_t n = 0; n < names.elements; ++n) {
    const std::string name{redis_text(*names.element[n])};
    if (const auto key =
            parse_store_key(std::string_view{name}.substr(std::min(prefix.size(), name.size())))) {
      ++page.waiting;
      start(look_at(*servers_, page, *key, name));
    }
  }
  if (--page.waiting != 0) {
    co_await page.done;
  }
  place.cursor = redis_text(*reply->element[0]);
  co_return !page.failed;
}

Task<StoreListing> RedisStore::list(const std::string& after, std::size_t limit,
                                    const StoreTimes& times) {
  StoreListing listing;
  std::optional<RedisPlace> place = parse_place(after);
  if (!place) {
    listing.result = StoreResult::Missing;
    co_return listing;
  }
  for (int i = 0; i < kScans && listing.entries.size() < limit; ++i) {
    const std::size_t most = std::min(kKeysAtOnce, limit - listing.entries.size());
    if (!co_await list_page(*place, most, times, listing)) {
      listing.result = StoreResult::Error;
      co_return listing;
    }
    if (place->cursor == "0" && ++place->share >= servers_->shares()) {
      co_return listing;
    }
  }
  listing.next = text_of(*place);
  co_return listing;
}

}  // namespace keepsake
