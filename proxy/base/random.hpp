#pragma once
// Secure random bytes, drawn from OpenSSL 4 KiB at a time: one RAND_bytes call of 12 bytes costs
// about 770 ns, one of 4096 bytes about 1.4 us. One Random per worker; not shared between threads.
// Handed-out bytes are wiped from the pool.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace keepsake {

class Random {
 public:
  Random() = default;
  virtual ~Random();
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  // Fills `out`. Aborts the process if the system has no randomness to give: going on without it
  // would mean predictable session ids.
  virtual void fill(std::span<std::uint8_t> out);

  std::uint64_t next_u64();

 private:
  std::array<std::uint8_t, 4096> pool_{};
  std::size_t left_ = 0;
};

}  // namespace keepsake
