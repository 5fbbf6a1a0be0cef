#pragma once
// What health_probe asks of a server with http2: the same GET, over HTTP/2.

#include <string>

#include "backend/health_probe.hpp"

namespace keepsake {

// On a connected link, whose handshake is done. Why the server is not well; empty if it is.
Task<std::string> probe_http2(ProbeContext context, const ProbeTarget& target, Stream& link,
                              SteadyTime deadline);

// The verdict on the status of an answer, over either protocol.
std::string judge_status(unsigned status);
// The verdict on a read or a write that failed.
std::string text_of(IoStatus status);

}  // namespace keepsake
