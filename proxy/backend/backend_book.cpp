#include "backend/backend_book.hpp"

namespace keepsake {

namespace {
// The living object behind a key, or a new one made of `args`. Forgets the dead meanwhile.
template <class T, class Key, class... Args>
std::shared_ptr<T> find_or_make(std::map<Key, std::weak_ptr<T>>& known, const Key& key,
                                const Args&... args) {
  std::shared_ptr<T> found = known[key].lock();
  if (!found) {
    found = std::make_shared<T>(args...);
    known[key] = found;
    std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  }
  return found;
}
}  // namespace

std::shared_ptr<ServerFigures> BackendBook::figures(const void* worker, const std::string& backend,
                                                    const std::string& url) {
  const std::lock_guard lock(mutex_);
  return find_or_make(figures_, FiguresKey{backend, url, worker}, backend, url);
}

std::shared_ptr<ServerLoad> BackendBook::load(const std::string& backend, const std::string& url) {
  const std::lock_guard lock(mutex_);
  return find_or_make(loads_, std::pair{backend, url});
}

std::shared_ptr<RequestQueue> BackendBook::queue(const std::string& backend) {
  const std::lock_guard lock(mutex_);
  return find_or_make(queues_, backend);
}

std::map<std::string, std::shared_ptr<const RequestQueue>> BackendBook::queues() const {
  std::map<std::string, std::shared_ptr<const RequestQueue>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [backend, known] : queues_) {
    if (std::shared_ptr<const RequestQueue> queue = known.lock()) {
      all.emplace(backend, std::move(queue));
    }
  }
  return all;
}

std::vector<std::shared_ptr<const ServerFigures>> BackendBook::servers() const {
  std::vector<std::shared_ptr<const ServerFigures>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, known] : figures_) {
    if (std::shared_ptr<const ServerFigures> figures = known.lock()) {
      all.push_back(std::move(figures));
    }
  }
  return all;
}

}  // namespace keepsake
