#include "admin/metrics_traffic.hpp"

#include <array>
#include <set>

namespace keepsake {
namespace {

// By Method; those without a label of their own count together, whatever a client calls them.
constexpr std::array<std::string_view, kMethods> kMethodLabels{
    "other", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "other", "other"};
constexpr std::array<std::string_view, kStatusClasses> kStatusLabels{"none", "1xx", "2xx",
                                                                     "3xx",  "4xx", "5xx"};
constexpr std::array<std::string_view, kAnswerers> kAnswererLabels{"backend", "set", "clear",
                                                                   "proxy"};
constexpr std::array<std::string_view, kDenials> kDenialLabels{"anonymous", "wrong_value",
                                                               "store_silent"};

void write_requests(const TrafficFigures& figures, MetricsWriter& out) {
  out.begin("keepsake_requests_total",
            "Requests, by the path pattern of their route (none: there was none), method and class "
            "of status (none: the client went before it had an answer).");
  for (const auto& [route, counts] : figures.routes) {
    ByOutcome<std::uint64_t> sums = counts;
    for (std::size_t method = 1; method < kMethods; ++method) {
      if (kMethodLabels[method] == kMethodLabels[0]) {
        for (std::size_t status = 0; status < kStatusClasses; ++status) {
          sums[0][status] += std::exchange(sums[method][status], 0);
        }
      }
    }
    const std::string label = metric_label("route", route);
    for (std::size_t method = 0; method < kMethods; ++method) {
      for (std::size_t status = 0; status < kStatusClasses; ++status) {
        // What never happened has no sample, but for one: a route that is not used shows up too.
        const bool usual = kMethodLabels[method] == "GET" && kStatusLabels[status] == "2xx";
        if (sums[method][status] != 0 || usual) {
          out.sample(label + "," + metric_label("method", kMethodLabels[method]) + "," +
                         metric_label("status", kStatusLabels[status]),
                     sums[method][status]);
        }
      }
    }
  }
}

void write_denials(const TrafficFigures& figures, MetricsWriter& out) {
  out.begin("keepsake_require_denied_total",
            "Requests that the `require` of their route did not admit, by the path pattern of the "
            "route and why: no session with a value, another value, or a store that did not "
            "answer.");
  for (const auto& [route, counts] : figures.denials) {
    for (std::size_t i = 0; i < kDenials; ++i) {
      out.sample(metric_label("route", route) + "," + metric_label("reason", kDenialLabels[i]),
                 counts[i]);
    }
  }
}

// Every outcome of the routes that answer a proxy in front.
void write_verified(const Config& config, const TrafficFigures& figures, MetricsWriter& out) {
  constexpr std::size_t kGood = 2;  // 2xx
  out.begin("keepsake_verify_total",
            "Requests of a proxy in front (verify), by the path pattern of the route and what it "
            "was told: admitted, or why not.");
  std::set<std::string> seen;
  for (const RouteConfig& route : config.routes) {
    const std::string label = route_label(route);
    const auto requests = figures.routes.find(label);
    if (route.kind != RouteConfig::Kind::Verify || requests == figures.routes.end() ||
        !seen.insert(label).second) {
      continue;
    }
    std::uint64_t admitted = 0;
    for (const auto& by_status : requests->second) {
      admitted += by_status[kGood];
    }
    out.sample(metric_label("route", label) + ",outcome=\"admitted\"", admitted);
    const auto denials = figures.denials.find(label);
    for (std::size_t i = 0; denials != figures.denials.end() && i < kDenials; ++i) {
      out.sample(metric_label("route", label) + "," + metric_label("outcome", kDenialLabels[i]),
                 denials->second[i]);
    }
  }
}

}  // namespace

void write_traffic(const Server& server, MetricsWriter& out) {
  const TrafficFigures figures = server.traffic();
  write_requests(figures, out);
  write_denials(figures, out);
  write_verified(server.snapshot()->config, figures, out);
  out.begin_histogram("keepsake_request_duration_seconds",
                      "From the first byte of a request to the last of its answer, tunnels left "
                      "out, by what answers: a backend, a set or clear route, or the proxy itself "
                      "because there is no route.");
  for (std::size_t i = 0; i < kAnswerers; ++i) {
    out.histogram(metric_label("by", kAnswererLabels[i]), figures.durations[i]);
  }
  out.begin_histogram(
      "keepsake_backend_response_seconds",
      "From the begin of sending a request to a backend to the head of its answer.");
  for (const auto& [backend, times] : figures.backends) {
    out.histogram(metric_label("backend", backend), times);
  }
}

}  // namespace keepsake
