#pragma once
// How long things took, in buckets. One writer (a worker), any reader (the admin listener): a
// relaxed load and store per figure on memory of the worker's own, as in metrics.hpp.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace keepsake {

// A figure that one thread writes and others read.
class Tally {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// The upper bounds of the buckets, in microseconds; what took longer is in one more. Fine where a
// proxy's own work shows, coarse where a backend's does. Dashboards depend on them.
inline constexpr std::array<std::int64_t, 17> kBucketMicros{
    250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,     50'000,    100'000,
    250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
inline constexpr std::size_t kBuckets = kBucketMicros.size() + 1;

// What several histograms counted together.
struct HistogramFigures {
  std::array<std::uint64_t, kBuckets> buckets{};  // each on its own, not added up
  std::uint64_t nanoseconds = 0;

  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : buckets) {
      sum += n;
    }
    return sum;
  }
};

class alignas(64) Histogram {
 public:
  void add(std::chrono::nanoseconds took) {
    const std::int64_t ns = std::max<std::int64_t>(took.count(), 0);
    std::size_t i = 0;
    while (i < kBucketMicros.size() && ns > kBucketMicros[i] * 1000) {
      ++i;
    }
    buckets_[i].add();
    nanoseconds_.add(static_cast<std::uint64_t>(ns));
  }

  void add_to(HistogramFigures& figures) const {
    for (std::size_t i = 0; i < kBuckets; ++i) {
      figures.buckets[i] += buckets_[i].get();
    }
    figures.nanoseconds += nanoseconds_.get();
  }

 private:
  std::array<Tally, kBuckets> buckets_;
  Tally nanoseconds_;
};

}  // namespace keepsake
