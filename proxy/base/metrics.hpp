#pragma once
// What each worker counts. One writer (the worker), any reader (the admin listener): a relaxed load
// and store on memory of the worker's own, no locked instruction. Names and text are in admin/.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace keepsake {

enum class Counter : std::uint8_t {
  ConnectionsAccepted,
  ConnectionsRefused,
  ConnectionsOpen,
  SessionsOpened,
  SessionsCreated,
  SessionsTouched,
  SessionsResealed,
  SessionsChanged,
  SessionsCleared,
  RejectedMalformed,
  RejectedUnknownKey,
  RejectedForged,
  RejectedFromFuture,
  RejectedIdle,
  RejectedAbsolute,
  RejectedNotBefore,
  RivalCookies,
  SpoofedHeaders,
  DroppedSetCookies,
  RefusedWrites,
  CrossSiteRefused,
  BackendConnects,
  BackendConnectFailures,
  BackendReused,
  BackendRetries,
  BackendStale,
  StoreReads,
  StoreMisses,
  StoreErrors,
  StoreWrites,
  LogLinesDropped,
  Upgrades,
  TunnelsOpen,
  RateLimited,
  AddressDenied,
  TlsHandshakes,
  TlsResumptions,
  TlsHandshakeFailures,
  TlsHandshakesRefused,
  ProxyHeadersRefused,
  BackendTlsHandshakes,
  BackendTlsResumptions,
  BackendTlsFailures,
  BackendTlsUnverified,
  RequestBodyBytes,
  ResponseBodyBytes,
  Count
};
inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::Count);

class Metrics {
 public:
  void add(Counter counter, std::uint64_t n = 1) {
    std::atomic<std::uint64_t>& cell = cells_[static_cast<std::size_t>(counter)];
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(Counter counter) {
    std::atomic<std::uint64_t>& cell = cells_[static_cast<std::size_t>(counter)];
    cell.store(cell.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  std::uint64_t get(Counter counter) const {
    return cells_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  alignas(64) std::array<std::atomic<std::uint64_t>, kCounters> cells_{};
};

}  // namespace keepsake
