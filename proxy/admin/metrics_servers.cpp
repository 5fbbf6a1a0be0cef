#include <algorithm>
#include <functional>
#include <map>

#include "admin/metrics_traffic.hpp"
#include "backend/server_figures.hpp"

namespace keepsake {
namespace {

// Of one server, all workers together.
struct Sums {
  std::uint64_t requests = 0, connects = 0, connect_failures = 0, ejections = 0;
  std::uint64_t in_flight = 0, idle = 0, ejected = 0;
  std::uint64_t addresses = 0;  // every worker is told the same
  bool healthy = true;

  void add(const ServerFigures& figures) {
    requests += figures.requests.load(std::memory_order_relaxed);
    connects += figures.connects.load(std::memory_order_relaxed);
    connect_failures += figures.connect_failures.load(std::memory_order_relaxed);
    ejections += figures.ejections.load(std::memory_order_relaxed);
    in_flight += figures.in_flight.load(std::memory_order_relaxed);
    idle += figures.idle.load(std::memory_order_relaxed);
    addresses = std::max(addresses, figures.addresses.load(std::memory_order_relaxed));
    ejected += figures.ejected.load(std::memory_order_relaxed) ? 1U : 0U;
    healthy = healthy && figures.healthy.load(std::memory_order_relaxed);
  }
};

struct Row {
  std::string_view name;
  std::string_view help;
  std::function<std::uint64_t(const Sums&)> value;
};

}  // namespace

void write_servers(const Server& server, MetricsWriter& out) {
  std::map<std::string, Sums> servers;  // by labels
  for (const auto& figures : server.backend_book().servers()) {
    servers[metric_label("backend", figures->backend) + "," + metric_label("server", figures->url)]
        .add(*figures);
  }
  const Row rows[] = {
      {"keepsake_server_requests_total", "Requests sent to a server, second attempts included.",
       [](const Sums& s) { return s.requests; }},
      {"keepsake_server_connects_total", "Connections begun to a server.",
       [](const Sums& s) { return s.connects; }},
      {"keepsake_server_connect_failures_total", "Connections to a server that could not be made.",
       [](const Sums& s) { return s.connect_failures; }},
      {"keepsake_server_ejections_total",
       "How often a worker left a server out for a while after failures in a row.",
       [](const Sums& s) { return s.ejections; }},
      {"keepsake_server_in_flight", "Connections to a server that serve a request now.",
       [](const Sums& s) { return s.in_flight; }},
      {"keepsake_server_idle_connections", "Connections to a server that wait for a request.",
       [](const Sums& s) { return s.idle; }},
      {"keepsake_server_addresses", "Addresses that the server's name has now.",
       [](const Sums& s) { return s.addresses; }},
      {"keepsake_server_ejected", "Workers that leave the server out now.",
       [](const Sums& s) { return s.ejected; }},
      {"keepsake_server_healthy", "0 while active health checks of the server fail.",
       [](const Sums& s) { return std::uint64_t{s.healthy}; }},
  };
  for (const Row& row : rows) {
    out.begin(row.name, row.help);
    for (const auto& [labels, sums] : servers) {
      out.sample(labels, row.value(sums));
    }
  }
}

}  // namespace keepsake
