#pragma once
// What the HTTP/2 sessions of a worker count. One writer, the worker's thread; any thread may read,
// as with base/metrics.hpp. Names and text are the admin listener's.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/histogram.hpp"
#include "http2/error_code.hpp"
#include "http2/flood.hpp"

namespace keepsake {

// By error code; the last place has those that RFC 9113 does not know.
class CodeTally {
 public:
  void add(std::uint32_t code) { cells_[std::min<std::size_t>(code, kHttp2Codes)].add(); }
  std::uint64_t get(Http2Code code) const {
    return cells_[std::min<std::size_t>(static_cast<std::uint32_t>(code), kHttp2Codes)].get();
  }

 private:
  std::array<Tally, kHttp2Codes + 1> cells_{};
};

struct Http2Counts {
  CodeTally resets_received;
  CodeTally resets_sent;  // RefusedStream: there was no place for them
  CodeTally goaways_received;
  CodeTally goaways_sent;
  std::array<Tally, static_cast<std::size_t>(Flood::Count)> floods{};  // connections that ended so
  Tally connections;
  Tally connections_ended;
  Tally streams;  // that clients opened and Keepsake took
  Tally ended;    // of them, those whose exchanges have ended
  // Bytes of heads as text, and of the blocks that HPACK made of them.
  Tally request_text;
  Tally request_blocks;
  Tally response_text;
  Tally response_blocks;
};

// The sums of all workers, for the metrics.
struct Http2Figures {
  using Codes = std::array<std::uint64_t, kHttp2Codes + 1>;
  Codes resets_received{};
  Codes resets_sent{};
  Codes goaways_received{};
  Codes goaways_sent{};
  std::array<std::uint64_t, static_cast<std::size_t>(Flood::Count)> floods{};
  std::uint64_t connections = 0;
  std::uint64_t connections_ended = 0;
  std::uint64_t request_text = 0;
  std::uint64_t request_blocks = 0;
  std::uint64_t response_text = 0;
  std::uint64_t response_blocks = 0;
  std::uint64_t streams = 0;
  std::uint64_t ended = 0;

  void add(const Http2Counts& counts);
};

}  // namespace keepsake
