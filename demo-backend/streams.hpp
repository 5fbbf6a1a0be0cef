#pragma once
// The answers that take their time or their space: /slow, /bytes, /stream and /events. None of them
// holds more than one piece of its body in memory.

#include "demo-backend/types.hpp"

namespace keepsake::demo {

// Does `path` belong to one of these?
bool is_stream(std::string_view path);

// Answers one such request; true when the connection can carry another exchange.
Awaitable<bool> answer_stream(Stream& stream, Drain& drain, const Request& request,
                              urls::url_view url);

// Writes a response whole, or its head alone for HEAD. True when all of it was written.
Awaitable<bool> write_response(Stream& stream, const Request& request, const Response& response);

}  // namespace keepsake::demo
