#pragma once
// Fills every buffer on the way to a peer that reads nothing.

#include <chrono>
#include <string>

#include "support/link.hpp"

namespace keepsake::test {

// Sends as much as the kernel takes now.
inline void send_what_fits(Link& sender) {
  const std::string block(1'000'000, 'x');
  while (sender.send_some(block) > 0) {
  }
}

// The same; true when the kernel takes no more for a while. On a busy machine that may also mean
// that the proxy did not run: a test that goes on to turn the clock sends again with each turn.
inline bool fills(Link& sender) {
  send_what_fits(sender);
  return !sender.writable(std::chrono::milliseconds{50});
}

}  // namespace keepsake::test
