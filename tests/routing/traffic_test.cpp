#include "routing/traffic.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

Config with_routes(const std::vector<std::string>& paths) {
  Config config;
  config.backends.emplace_back().name = "app";
  for (const std::string& path : paths) {
    config.routes.emplace_back().path = path;
  }
  return config;
}

std::uint64_t counted(const Traffic& traffic, const std::string& route) {
  TrafficFigures figures;
  traffic.add_to(figures);
  std::uint64_t sum = 0;
  for (const auto& by_status : figures.routes.at(route)) {
    for (const std::uint64_t n : by_status) {
      sum += n;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("a route keeps its figures when a reload moves it", "[traffic]") {
  Traffic traffic;
  const Traffic::Cells first = traffic.bind(with_routes({"/a", "/b"}));
  (*first.routes[0])[0][2].add();
  const Traffic::Cells second = traffic.bind(with_routes({"/new", "/b", "/a"}));
  (*second.routes[2])[0][2].add();
  CHECK(second.routes[2] == first.routes[0]);
  CHECK(counted(traffic, "/a") == 2);
  CHECK(counted(traffic, "/b") == 0);
}

TEST_CASE("exchanges of an old configuration still count after it went", "[traffic]") {
  Traffic traffic;
  const Traffic::Cells old = traffic.bind(with_routes({"/old"}));
  traffic.bind(with_routes({"/new"}));
  (*old.routes[0])[1][2].add();
  CHECK(counted(traffic, "/old") == 1);
}

TEST_CASE("routes with one pattern share their figures, hosts part them", "[traffic]") {
  Config config = with_routes({"/a", "/a", "/a"});
  config.routes[2].host = "shop.example";
  Traffic traffic;
  const Traffic::Cells cells = traffic.bind(config);
  CHECK(cells.routes[0] == cells.routes[1]);
  CHECK(cells.routes[0] != cells.routes[2]);
  CHECK(route_label(config.routes[2]) == "shop.example/a");
}

TEST_CASE("names without end share one cell", "[traffic]") {
  Traffic traffic;
  for (int i = 0; i < 30; ++i) {
    std::vector<std::string> paths;
    for (int j = 0; j < 1000; ++j) {
      paths.push_back("/" + std::to_string(i) + "/" + std::to_string(j));
    }
    traffic.bind(with_routes(paths));
  }
  TrafficFigures figures;
  traffic.add_to(figures);
  CHECK(figures.routes.size() <= 20'001);
  CHECK(figures.routes.contains("other"));
  CHECK(figures.routes.contains("/0/0"));
}

TEST_CASE("a duration is in the bucket whose bound it does not exceed", "[traffic][histogram]") {
  Histogram histogram;
  using std::chrono::microseconds;
  histogram.add(microseconds{250});
  histogram.add(microseconds{251});
  histogram.add(std::chrono::minutes{2});
  histogram.add(std::chrono::nanoseconds{-5});  // a clock that was turned
  HistogramFigures figures;
  histogram.add_to(figures);
  CHECK(figures.buckets[0] == 2);
  CHECK(figures.buckets[1] == 1);
  CHECK(figures.buckets[kBuckets - 1] == 1);
  CHECK(figures.count() == 4);
  CHECK(figures.nanoseconds == 120'000'501'000);
}
