#pragma once
// The names of servers that a store has announced by itself, as Sentinels and clusters do, on their
// way from the workers to the resolver. Never on the path of an exchange that goes well.

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

class StoreNames {
 public:
  using Ask = std::function<void(const ServerConfig&)>;

  // From now on names go to `ask`, those of before too; empty: they wait. Returns when the `ask` of
  // before is not in use any more.
  void set(Ask ask) {
    const std::lock_guard lock(mutex_);
    ask_ = std::move(ask);
    if (ask_) {
      std::for_each(waiting_.begin(), waiting_.end(), ask_);
      waiting_.clear();
    }
  }
  void ask(const ServerConfig& server) {
    const std::lock_guard lock(mutex_);
    if (ask_) {
      ask_(server);
    } else if (waiting_.size() < kMostWaiting) {
      waiting_.push_back(server);
    }
  }

 private:
  static constexpr std::size_t kMostWaiting = 1000;

  std::mutex mutex_;
  Ask ask_;
  std::vector<ServerConfig> waiting_;
};

}  // namespace keepsake
