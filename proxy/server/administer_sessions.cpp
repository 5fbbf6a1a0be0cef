#include "server/administer_sessions.hpp"

#include "server/attach_session.hpp"
#include "server/worker.hpp"

namespace keepsake {

Task<void> list_sessions(Worker& worker, std::string after, std::size_t limit,
                         std::function<void(StoreListing)> done) {
  const std::shared_ptr<const View> view = worker.view();  // a reload must not take the store away
  StoreListing listing;
  listing.result = StoreResult::Error;
  if (view->store) {
    const StoreTimes times = store_times(*view->snapshot, unix_seconds(worker.clock().wall()));
    listing = co_await view->store->list(after, limit, times);
  }
  done(std::move(listing));
}

Task<void> end_session(Worker& worker, StoreKey key, std::function<void(StoreResult)> done) {
  const std::shared_ptr<const View> view = worker.view();
  StoreResult result = StoreResult::Error;
  if (view->store) {
    worker.metrics().add(Counter::StoreWrites);
    result = co_await view->store->end(key);
    if (result == StoreResult::Ok) {
      worker.metrics().add(Counter::SessionsCleared);
    }
  }
  done(result);
}

}  // namespace keepsake
