#pragma once
// What a peer may do to an HTTP/2 connection that costs it little and Keepsake much, and how much
// of it: a bucket of tokens for each connection. nghttp2 of Debian 12 limits some of it by itself,
// and nothing of the rest. Pure: frames and times in, a verdict out. Http2Session asks it for each
// frame that arrives and for each stream that it resets because the client broke a rule.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "http2/frame_walk.hpp"

namespace keepsake {

// What emptied the bucket; the connection ends with GOAWAY(ENHANCE_YOUR_CALM).
enum class Flood : std::uint8_t {
  None,
  Resets,         // RST_STREAM (CVE-2023-44487)
  BadStreams,     // frames that make Keepsake reset a stream (CVE-2025-8671), malformed requests
  Continuations,  // a header block in too many frames (CVE-2024-28182)
  Pings,          // CVE-2019-9512
  Settings,       // CVE-2019-9515
  EmptyData,      // DATA that brings nothing, or padding alone (CVE-2019-9518)
  Priorities,     // PRIORITY and PRIORITY_UPDATE (CVE-2019-9513)
  WindowUpdates,  // credit in crumbs (CVE-2019-9511)
  UnknownFrames,  // extension frames, GOAWAY again and again
  HeaderBomb,     // one block decodes to far more than the limit of a head (CVE-2016-6581)
  Answers,        // answers (acknowledgements, resets) that the client does not read
  Count
};

// One word each, for metrics and the log: "resets".
std::string_view describe(Flood flood);

class FloodBudget {
 public:
  // Tokens that a connection has, and how many come back in a second. A browser that closes a tab
  // with 100 streams spends 100; messages of gRPC spend none.
  static constexpr std::int64_t kTokens = 200;
  static constexpr std::int64_t kPerSecond = 20;
  // A trusted proxy carries the requests of many clients on one connection.
  static constexpr std::int64_t kTrustedTimes = 10;

  FloodBudget(SteadyTime now, bool trusted);

  // A frame arrived. The kind of flood when the bucket was empty, else None.
  Flood count(const FrameHead& frame, SteadyTime now);
  // Keepsake reset a stream because of what the client sent there.
  Flood count_bad_stream(SteadyTime now);
  // A DATA frame was sent: the client may open its windows for it.
  void count_data_sent() { ++data_sent_; }

  // Full again; for a trusted proxy, whose first flood only ends the taking of new streams.
  void refill() { tokens_ = most_; }

 private:
  Flood spend(Flood kind, SteadyTime now);

  std::int64_t most_;  // in thousandths of a token, like the next
  std::int64_t tokens_;
  std::int64_t per_second_;
  SteadyTime counted_;    // until when tokens have come back
  SteadyTime free_ping_;  // when a PING is free again
  std::uint32_t last_stream_ = 0;
  std::uint64_t streams_ = 0;
  std::uint64_t data_sent_ = 0;
  std::uint64_t priorities_ = 0;      // of them the free ones
  std::uint64_t window_updates_ = 0;  // the same
  std::uint64_t unknown_ = 0;
  std::uint64_t settings_ = 0;
};

}  // namespace keepsake
