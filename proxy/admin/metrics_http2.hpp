#pragma once
// The metrics of HTTP/2 clients. Called by metrics_text.

#include "admin/metrics_writer.hpp"
#include "server/server.hpp"

namespace keepsake {

void write_http2(const Server& server, MetricsWriter& out);

}  // namespace keepsake
