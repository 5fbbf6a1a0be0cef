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

namespace keepsake {

class BackendBook {
 public:
  // What `worker` (only an identity) counts of that server: the same object for as long as anybody
  // holds it, so that the figures of a server that stays survive a reload.
  std::shared_ptr<ServerFigures> figures(const void* worker, const std::string& backend,
                                         const std::string& url);

  // Of every worker and server in use, in the order of backend and URL; sums are the reader's.
  std::vector<std::shared_ptr<const ServerFigures>> servers() const;

 private:
  using FiguresKey = std::tuple<std::string, std::string, const void*>;

  mutable std::mutex mutex_;
  std::map<FiguresKey, std::weak_ptr<ServerFigures>> figures_;
};

}  // namespace keepsake
