#include "server/administer_sessions.hpp"

#include "exchange/attach_session.hpp"
#include "server/worker.hpp"

namespace keepsake {

Task<void> list_sessions(Worker& worker, SessionsWanted wanted,
                         std::function<void(StoreListing)> done) {
  const std::shared_ptr<const View> view = worker.view();  // a reload must not take the store away
  StoreListing listing;
  listing.result = StoreResult::Error;
  if (view->store) {
    const StoreTimes times = store_times(*view->snapshot, unix_seconds(worker.clock().wall()));
    if (wanted.value) {
      listing = co_await view->store->list_of(*wanted.value, wanted.after, wanted.limit, times);
    } else {
      listing = co_await view->store->list(wanted.after, wanted.limit, times);
    }
  }
  done(std::move(listing));
}

Task<void> end_sessions(Worker& worker, std::string value, std::function<void(StoreEnded)> done) {
  const std::shared_ptr<const View> view = worker.view();
  StoreEnded ended{StoreResult::Error};
  if (view->store) {
    const StoreTimes times = store_times(*view->snapshot, unix_seconds(worker.clock().wall()));
    ended = co_await end_sessions_of(*view->store, std::move(value), {}, times);
    worker.metrics().add(Counter::StoreWrites, ended.count);
    worker.metrics().add(Counter::SessionsCleared, ended.count);
  }
  done(ended);
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
