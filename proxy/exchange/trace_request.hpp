#pragma once
// W3C Trace Context, with `traceparent: true`: a client's trace goes on with us as the parent of
// what the backend does, or one begins here. Called by append_request_head before the client's
// lines are copied, and by whoever logs the id.

#include <string>
#include <string_view>

namespace keepsake {

struct Exchange;

// Decides on the trace of the exchange, once, and takes the client's own line out of the head; what
// it said in tracestate goes with it if that line was no valid one.
void trace_request(Exchange& x);

// Appends the header line for the backend.
void append_trace_line(const Exchange& x, std::string& out);

// 32 hex digits; empty unless the configuration wants traces.
std::string_view trace_id(Exchange& x);

}  // namespace keepsake
