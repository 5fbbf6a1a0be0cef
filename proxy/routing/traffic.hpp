#pragma once
// What one worker counts by names that the configuration gives: requests by route, how many
// `require` turned away, the time that each backend takes. A reload keeps the figures of whatever
// keeps its name; a name that went stays, so that no counter ever goes back.
//
// The worker looks its names up once per configuration (bind), under a lock that only a scrape may
// hold; an exchange then only touches cells that nobody else writes.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/histogram.hpp"
#include "config/config.hpp"
#include "http/head.hpp"

namespace keepsake {

inline constexpr std::size_t kMethods = static_cast<std::size_t>(Method::Trace) + 1;
inline constexpr std::size_t kStatusClasses = 6;  // 0: the client went before it had an answer

// By method and class of status.
template <class Number>
using ByOutcome = std::array<std::array<Number, kStatusClasses>, kMethods>;

// What answers: a backend, Keepsake itself, or nobody (no route, or a request that was none).
enum class Answerer : std::uint8_t { Backend, Set, Clear, Proxy, Count };
inline constexpr std::size_t kAnswerers = static_cast<std::size_t>(Answerer::Count);

// Why `require` did not admit a request; each Admission but the first.
inline constexpr std::size_t kDenials = 3;
template <class Number>
using ByDenial = std::array<Number, kDenials>;

// What was counted, of all workers together.
struct TrafficFigures {
  std::map<std::string, ByOutcome<std::uint64_t>> routes;
  std::map<std::string, ByDenial<std::uint64_t>> denials;  // of routes with `require`
  std::array<HistogramFigures, kAnswerers> durations;
  std::map<std::string, HistogramFigures> backends;  // until the head of the response
};

// The route's name in figures: its path pattern, behind its host if it has one.
std::string route_label(const RouteConfig& route);

class Traffic {
 public:
  using Route = ByOutcome<Tally>;
  using Denials = ByDenial<Tally>;

  // The cells of one configuration, by its indices. Valid as long as the Traffic.
  struct Cells {
    std::vector<Route*> routes;
    std::vector<Denials*> denials;  // null where a route has no `require`
    Route* asterisk = nullptr;      // OPTIONS *
    Route* none = nullptr;          // no route
    std::vector<Histogram*> backends;
  };
  Cells bind(const Config& config);

  Histogram& duration(Answerer answerer) { return durations_[static_cast<std::size_t>(answerer)]; }

  // From any thread.
  void add_to(TrafficFigures& figures) const;

 private:
  template <class Cell>
  using Named = std::map<std::string, std::unique_ptr<Cell>>;

  mutable std::mutex mutex_;  // of the maps, not of the cells
  Named<Route> routes_;
  Named<Denials> denials_;
  Named<Histogram> backends_;
  std::array<Histogram, kAnswerers> durations_;
};

}  // namespace keepsake
