#pragma once
// One active health check: GET on a link of its own, a success if the answer's status is 200 to
// 299. Runs on the thread of HealthChecker.

#include <string>

#include "backend/server_addresses.hpp"
#include "backend/server_tls.hpp"
#include "base/buffer.hpp"
#include "config/config.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace keepsake {

struct ProbeContext {
  asio::io_context& io;
  StreamList& streams;
  BufferPool& buffers;
};

// What a check needs to know of its server.
struct ProbeTarget {
  ServerConfig server;
  HealthCheckConfig check;
  std::string request;  // made once by probe_request
  ServerAddresses addresses;
  ServerTls tls;
  bool http2 = false;
};

std::string probe_request(const BackendConfig& backend, const ServerConfig& server);

// Why the server is not well; empty if it is. Takes at most check.timeout, whatever the server
// does.
Task<std::string> probe(ProbeContext context, ProbeTarget& target);

}  // namespace keepsake
