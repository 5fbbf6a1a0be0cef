#include "store/end_sessions.hpp"

#include <algorithm>

namespace keepsake {

namespace {

constexpr std::size_t kAtOnce = 100;
// More sessions than this many pages hold are no person's.
constexpr int kMostPages = 1000;

}  // namespace

Task<StoreEnded> end_sessions_of(SessionStore& store, std::string value,
                                 std::span<const StoreKey> kept, StoreTimes times) {
  StoreEnded ended;
  std::string after;
  for (int page = 0; page < kMostPages; ++page) {
    const StoreListing listing = co_await store.list_of(value, after, kAtOnce, times);
    if (listing.result != StoreResult::Ok) {
      ended.result = StoreResult::Error;
      co_return ended;
    }
    for (const StoreEntry& entry : listing.entries) {
      if (std::find(kept.begin(), kept.end(), entry.key) != kept.end()) {
        continue;
      }
      const StoreResult result = co_await store.end(entry.key);
      if (result == StoreResult::Error) {
        ended.result = StoreResult::Error;
        co_return ended;
      }
      ended.count += result == StoreResult::Ok ? 1 : 0;
    }
    if (listing.next.empty()) {
      break;
    }
    after = listing.next;
  }
  co_return ended;
}

}  // namespace keepsake
