#pragma once
// A clock whose hands only move when a test turns them. Safe to turn from the test's thread while
// workers read it.

#include <atomic>
#include <chrono>

#include "base/clock.hpp"

namespace keepsake::test {

class ManualClock final : public Clock {
 public:
  // Starts at 2023-11-14T22:13:20Z (1700000000), a round number that is easy to recognise.
  explicit ManualClock(std::int64_t start = 1'700'000'000) : wall_base_(start) {}

  SteadyTime steady() const override { return SteadyTime{std::chrono::hours{1} + offset()}; }
  WallTime wall() const override {
    return WallTime{std::chrono::duration_cast<WallTime::duration>(
        std::chrono::seconds{wall_base_} + offset())};
  }
  void advance(std::chrono::nanoseconds by) { offset_.fetch_add(by.count()); }

 private:
  std::chrono::nanoseconds offset() const { return std::chrono::nanoseconds{offset_.load()}; }
  std::int64_t wall_base_;
  std::atomic<std::int64_t> offset_{0};
};

}  // namespace keepsake::test
