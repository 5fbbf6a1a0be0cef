#pragma once
// What one worker counts of one backend server. Written by that worker's ServerPool alone, read by
// anybody (the admin listener): relaxed loads and stores on lines of the worker's own, no locked
// instruction. Found through BackendBook; whoever holds one may read it after a reload, too.

#include <atomic>
#include <cstdint>
#include <string>

namespace keepsake {

struct alignas(64) ServerFigures {
  using Cell = std::atomic<std::uint64_t>;

  ServerFigures(std::string of_backend, std::string of_server)
      : backend(std::move(of_backend)), url(std::move(of_server)) {}

  const std::string backend;  // its name
  const std::string url;      // of the server, as the configuration has it

  // They only grow.
  Cell requests{0};  // sends, retries too
  Cell connects{0};
  Cell connect_failures{0};
  Cell ejections{0};
  // As it is now.
  Cell in_flight{0};
  Cell idle{0};  // links
  Cell addresses{0};
  std::atomic<bool> ejected{false};
  std::atomic<bool> healthy{true};  // false: active health checks say so

  static void add(Cell& cell, std::uint64_t n = 1) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static void set(Cell& cell, std::uint64_t n) { cell.store(n, std::memory_order_relaxed); }
};

}  // namespace keepsake
