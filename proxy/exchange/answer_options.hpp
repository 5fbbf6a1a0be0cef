#pragma once
// OPTIONS that Keepsake answers itself (RFC 9110 9.3.7 and 7.6.2): for "*", which asks what the
// server can do and names no route whose guard could be asked, and where Max-Forwards says that
// nobody behind Keepsake is meant. Called by forward_request.

#include "exchange/exchange.hpp"

namespace keepsake {

// What every method of a backend route may be, for Allow.
inline constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// `answered`: x.reply is the response. Else the request goes on, and its Max-Forwards has been
// taken out for append_max_forwards.
Fault answer_options(Exchange& x, bool& answered);

// The line of Max-Forwards, less one, if the client sent one.
void append_max_forwards(const Exchange& x, std::string& out);

}  // namespace keepsake
