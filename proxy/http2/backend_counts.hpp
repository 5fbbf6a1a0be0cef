#pragma once
// What a worker's HTTP/2 connections to backends count. One writer, any reader, as in counts.hpp.

#include "http2/counts.hpp"

namespace keepsake {

struct Http2BackendCounts {
  Tally connections;  // that were made
  Tally streams;      // that were opened
  CodeTally resets_received;
  CodeTally resets_sent;
  CodeTally goaways_received;
  Tally pings_unanswered;  // connections that were given up because of it
};

// The sums of all workers, for the metrics.
struct Http2BackendFigures {
  std::uint64_t connections = 0;
  std::uint64_t streams = 0;
  std::uint64_t pings_unanswered = 0;
  Http2Figures::Codes resets_received{};
  Http2Figures::Codes resets_sent{};
  Http2Figures::Codes goaways_received{};

  void add(const Http2BackendCounts& counts);
};

}  // namespace keepsake
