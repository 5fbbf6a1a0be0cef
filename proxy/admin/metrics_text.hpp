#pragma once
// Everything that is counted, in the text format of Prometheus. Called by the admin listener for
// /metrics; the names here are a promise to dashboards and alerts.

#include <string>

#include "admin/status.hpp"
#include "server/server.hpp"

namespace keepsake {

std::string metrics_text(const Server& server, const Status& status);

}  // namespace keepsake
