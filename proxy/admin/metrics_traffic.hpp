#pragma once
// The metrics whose labels come from the configuration: requests by route, times by backend, and
// what there is to say of each server. Called by metrics_text.

#include "admin/metrics_writer.hpp"
#include "server/server.hpp"

namespace keepsake {

void write_traffic(const Server& server, MetricsWriter& out);
void write_servers(const Server& server, MetricsWriter& out);  // metrics_servers.cpp

}  // namespace keepsake
