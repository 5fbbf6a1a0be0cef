#include "routing/traffic.hpp"

namespace keepsake {

namespace {

// A configuration that changes its names with every reload must not fill the memory: what comes
// after so many shares one cell.
constexpr std::size_t kMostNames = 20'000;
constexpr const char* kOverflow = "other";
constexpr const char* kNoRoute = "none";  // no pattern is called so: each has a slash

template <class Cells>
auto* cell(Cells& cells, const std::string& name) {
  const bool full = cells.size() >= kMostNames && !cells.contains(name);
  auto& found = cells[full ? kOverflow : name];
  if (!found) {
    found = std::make_unique<typename Cells::mapped_type::element_type>();
  }
  return found.get();
}

}  // namespace

std::string route_label(const RouteConfig& route) {
  return route.host.value_or("") + route.path;
}

Traffic::Cells Traffic::bind(const Config& config) {
  const std::lock_guard lock(mutex_);
  Cells cells;
  for (const RouteConfig& route : config.routes) {
    cells.routes.push_back(cell(routes_, route_label(route)));
    cells.denials.push_back(route.require.empty() ? nullptr : cell(denials_, route_label(route)));
  }
  cells.asterisk = cell(routes_, "*");
  cells.none = cell(routes_, kNoRoute);
  for (const BackendConfig& backend : config.backends) {
    cells.backends.push_back(cell(backends_, backend.name));
  }
  return cells;
}

void Traffic::add_to(TrafficFigures& figures) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, route] : routes_) {
    ByOutcome<std::uint64_t>& sums = figures.routes[name];
    for (std::size_t method = 0; method < kMethods; ++method) {
      for (std::size_t status = 0; status < kStatusClasses; ++status) {
        sums[method][status] += (*route)[method][status].get();
      }
    }
  }
  for (const auto& [name, denials] : denials_) {
    ByDenial<std::uint64_t>& sums = figures.denials[name];
    for (std::size_t i = 0; i < kDenials; ++i) {
      sums[i] += (*denials)[i].get();
    }
  }
  for (const auto& [name, backend] : backends_) {
    backend->add_to(figures.backends[name]);
  }
  for (std::size_t i = 0; i < kAnswerers; ++i) {
    durations_[i].add_to(figures.durations[i]);
  }
}

}  // namespace keepsake
