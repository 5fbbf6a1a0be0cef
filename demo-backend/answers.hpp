#pragma once
// The answers that fit into memory, as functions of the request alone: the page, /headers,
// /counter, /echo, /healthz and every refusal. No sockets here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "demo-backend/types.hpp"

namespace keepsake::demo {

// A response with its length and the fields that all of them have.
Response make_response(const Request& request, http::status status, std::string_view content_type,
                       std::string body);

// One sentence of plain text.
Response refuse(const Request& request, http::status status, std::string_view sentence);

// A whole number in the query. Absent: `otherwise`; no number, or above `largest`: empty.
std::optional<std::uint64_t> number_in_query(urls::url_view url, std::string_view key,
                                             std::uint64_t otherwise, std::uint64_t largest);

Response answer(const Request& request, urls::url_view url);

}  // namespace keepsake::demo
