#pragma once
// The second half of forward_request: reads what the backend answers up to the end of its final
// head, and passes interim responses on. The body is relay_body's.

#include "exchange/exchange.hpp"
#include "io/task.hpp"

namespace keepsake {

// How an attempt ended, and whether another may be made.
struct Attempt {
  Fault fault = Fault::None;
  bool sent = false;      // bytes of the request went out
  bool answered = false;  // bytes of a response came back
  bool refused = false;   // by a server that has not looked at the request
};

// On success x.work.response is the final head, or a 101, whose bytes x.lease holds. `sent`: when
// the request went out.
Task<Attempt> read_response(Exchange& x, SteadyTime sent);

// What the end of a read from, or a write to, the backend means.
Fault read_fault(Exchange& x, IoStatus status);

}  // namespace keepsake
