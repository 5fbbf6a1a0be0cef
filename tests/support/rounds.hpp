#pragma once
// The ways in which a stream's reads and writes are made. A test that asks for one is run once for
// each: alone as they come, or every one of them in a round, by one system call ("ring", if the
// kernel allows it here) or by one for each, or now by the ring and now alone.

#include <string>

#include "io/io_round.hpp"
#include "support/catch.hpp"

namespace keepsake::test {

inline void in_each_way(IoRound& round, asio::io_context& io) {
  const std::string way = GENERATE("alone", "each", "ring", "mixed");
  if (way != "alone") {
    round.begin(io, way != "each", way == "mixed" ? 1 : 0);
  }
}

}  // namespace keepsake::test
