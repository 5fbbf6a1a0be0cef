#pragma once
// What most tests of bad input ask: is this refused with that status, is the connection closed, and
// did no backend hear of it?

#include <string_view>

#include "support/proxy.hpp"

namespace keepsake::test {

// Sends `bytes` on a new connection and reads one response and the orderly end behind it; throws if
// there is no end, if more than one response comes, or if the backend was contacted.
Message refused(const Proxy& proxy, Backend& backend, std::string_view bytes);

// A POST to / with `lines` (each with its CRLF) and a body that smuggles a request to /smuggled if
// its length is read differently.
std::string post(std::string_view lines, std::string_view body = "");

}  // namespace keepsake::test
