// What operators ask of the sessions in Redis; the other half of redis_store.hpp.

#include <algorithm>
#include <charconv>

#include "io/log.hpp"
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
  std::string_view index{};  // digits of the one that must list it; none: whether or not
  std::size_t waiting = 0;
  bool failed = false;
  Wakeup done{};
};

// What is no session, or is over by its stamps, or goes on under another id, is left out.
void add_entry(Page& page, const StoreKey& key, const redisReply& stamps, std::int64_t fields) {
  if (stamps.type != REDIS_REPLY_ARRAY || stamps.elements != 6 ||
      stamps.element[2]->type != REDIS_REPLY_NIL ||
      (!page.index.empty() && redis_text(*stamps.element[5]) != page.index)) {
    return;
  }
  const auto created = number_of(*stamps.element[0]);
  const auto touched = number_of(*stamps.element[1]);
  const bool was = stamps.element[3]->type != REDIS_REPLY_NIL;
  const auto own = number_of(*stamps.element[4]);
  const bool indexed = stamps.element[5]->type != REDIS_REPLY_NIL;
  const std::int64_t values = fields - 2 - (was ? 1 : 0) - (own ? 1 : 0) - (indexed ? 1 : 0);
  const std::int64_t idle = own && *own > 0 ? *own : page.times.idle_timeout;
  if (created && touched && values >= 0 && page.times.now - *touched <= idle &&
      page.times.now - *created <= page.times.absolute_timeout) {
    page.listing.entries.push_back({key, *created, *touched, static_cast<std::size_t>(values)});
  }
}

Task<void> look_at(RedisServers& servers, Page& page, StoreKey key, std::string name) {
  const std::array<std::string_view, 8> ask_stamps{"HMGET",   name,  "created",  "touched",
                                                   "renewed", "was", "lifetime", "index"};
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

// Where a listing of one value goes on. A session that was last used under an older secret is in
// the index of that one.
struct IndexPlace {
  std::size_t secret = 0;
  std::string cursor = "0";
};

std::optional<IndexPlace> parse_index_place(std::string_view text) {
  IndexPlace place;
  if (text.empty()) {
    return place;
  }
  const std::size_t dot = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 20 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (dot == std::string_view::npos || dot > 4 || !digits(text.substr(0, dot)) ||
      !digits(text.substr(dot + 1))) {
    return std::nullopt;
  }
  std::from_chars(text.data(), text.data() + dot, place.secret);
  place.cursor = text.substr(dot + 1);
  return place;
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

// A page is about one index: `after` is the number of its secret and a cursor.
Task<StoreListing> RedisStore::list_of(const std::string& value, const std::string& after,
                                       std::size_t limit, const StoreTimes& times) {
  StoreListing listing;
  std::optional<IndexPlace> place = parse_index_place(after);
  if (!place || !index_) {
    listing.result = place ? StoreResult::Ok : StoreResult::Missing;
    co_return listing;
  }
  const std::string count = std::to_string(std::min(kKeysAtOnce, limit));
  while (place->secret < keys_->size() && listing.entries.size() < limit) {
    const std::string digits = digits_of(value, place->secret);
    const std::string index = index_name(digits);
    const std::array<std::string_view, 5> words{"ZSCAN", index, place->cursor, "COUNT", count};
    std::string command;
    append_redis_command(words, command);
    const RedisReply reply =
        co_await servers_->call(command, index, RedisCall::Read, servers_->deadline());
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
      listing.result = StoreResult::Error;
      co_return listing;
    }
    Page page{listing, times, digits};
    page.waiting = 1;                                // this one, until all are asked
    const redisReply& entries = *reply->element[1];  // each with its score
    for (std::size_t n = 0; n < entries.elements; n += 2) {
      if (const auto key = parse_store_key(redis_text(*entries.element[n]))) {
        ++page.waiting;
        start(look_at(*servers_, page, *key, name_of(*key)));
      }
    }
    if (--page.waiting != 0) {
      co_await page.done;
    }
    if (page.failed) {
      listing.result = StoreResult::Error;
      co_return listing;
    }
    place->cursor = redis_text(*reply->element[0]);
    if (place->cursor == "0") {
      ++place->secret;
    }
  }
  if (place->secret < keys_->size()) {
    listing.next = std::to_string(place->secret) + "." + place->cursor;
  }
  co_return listing;
}

}  // namespace keepsake
