#pragma once
// What the figures say of an exchange that is over; called by log_access, once for each.

#include <cstdint>

#include "base/clock.hpp"

namespace keepsake {

struct Exchange;

void count_exchange(Exchange& x, SteadyTime ended);

// Bytes of the request's body, its framing left out.
std::uint64_t body_received(const Exchange& x);

// When the head of the backend's answer has come; `sent` is when the request began to go.
void count_backend_head(Exchange& x, SteadyTime sent);

}  // namespace keepsake
