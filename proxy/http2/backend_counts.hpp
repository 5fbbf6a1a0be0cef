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

}  // namespace keepsake
