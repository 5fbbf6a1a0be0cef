#pragma once
// Everything that is counted, for Prometheus and what speaks OpenMetrics. Called by the admin
// listener for /metrics; the names here are a promise to dashboards and alerts.

#include <string>

#include "admin/metrics_writer.hpp"
#include "admin/status.hpp"
#include "server/server.hpp"

namespace keepsake {

std::string metrics_text(const Server& server, const Status& status, MetricsFormat format);

}  // namespace keepsake
