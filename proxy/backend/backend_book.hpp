#pragma once
// Where everybody finds what is known of the backends' servers: the workers what they share, the
// admin listener what each of them counts. Locked when a configuration is taken into use and by the
// admin listener; a request never touches it.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "backend/server_figures.hpp"
#include "backend/server_load.hpp"

namespace keepsake {

class BackendBook {
 public:
  // What `worker` (only an identity) counts of that server: the same object for as long as anybody
  // holds it, so that the figures of a server that stays survive a reload.
  std::shared_ptr<ServerFigures> figures(const void* worker, const std::string& backend,
                                         const std::string& url);

  // What all workers share of a server, and of a backend.
  std::shared_ptr<ServerLoad> load(const std::string& backend, const std::string& url);
  std::shared_ptr<RequestQueue> queue(const std::string& backend);

  // Of every worker and server in use, in the order of backend and URL; sums are the reader's.
  std::vector<std::shared_ptr<const ServerFigures>> servers() const;
  // By the backend's name: who waits for max_requests.
  std::map<std::string, std::shared_ptr<const RequestQueue>> queues() const;

 private:
  using FiguresKey = std::tuple<std::string, std::string, const void*>;

  mutable std::mutex mutex_;
  std::map<FiguresKey, std::weak_ptr<ServerFigures>> figures_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<ServerLoad>> loads_;
  std::map<std::string, std::weak_ptr<RequestQueue>> queues_;
};

}  // namespace keepsake
