#include "base/error.hpp"

#include <array>

namespace keepsake {

namespace {

constexpr auto C = Side::Client;
constexpr auto B = Side::Backend;
constexpr auto P = Side::Proxy;

// In the order of the enumeration; the assertion below keeps the count honest.
constexpr FaultInfo kFaults[] = {
    {"none", P, 200, "OK", "", false},
    {"bad_request", C, 400, "Bad Request", "The request is not well-formed HTTP.", true},
    {"bad_host", C, 400, "Bad Request", "The request needs exactly one valid Host.", true},
    {"bad_target", C, 400, "Bad Request", "The request target is not valid.", true},
    {"ambiguous_path", C, 400, "Bad Request",
     "The path can be read in two ways. Write it as the links of this site do.", false},
    {"target_too_long", C, 414, "URI Too Long", "The address of this page is too long.", true},
    {"head_too_large", C, 431, "Request Header Fields Too Large",
     "The request's headers are too large. Deleting this site's cookies may help.", true},
    {"bad_version", C, 505, "HTTP Version Not Supported",
     "Only HTTP/1.0 and HTTP/1.1 are spoken here.", true},
    {"unknown_coding", C, 501, "Not Implemented", "The request uses an unknown transfer coding.",
     true},
    {"bad_expectation", C, 417, "Expectation Failed", "Only 100-continue can be expected.", true},
    {"not_found", C, 404, "Not Found", "There is nothing at this address.", false},
    {"method_not_allowed", C, 405, "Method Not Allowed", "This address does not take that method.",
     false},
    {"cross_site", C, 403, "Forbidden", "This request came from another site and was refused.",
     false},
    {"foreign_destination", C, 403, "Forbidden",
     "The Destination must be on the same host and below the same route.", false},
    {"prefetch", C, 403, "Forbidden", "This address cannot be prefetched.", false},
    {"head_timeout", C, 408, "Request Timeout", "The request took too long to arrive.", true},
    {"body_timeout", C, 408, "Request Timeout", "The request's body took too long to arrive.",
     true},
    {"body_too_large", C, 413, "Content Too Large", "The request's body is too large.", true},
    {"bad_body", C, 400, "Bad Request", "The request's body is not well-formed.", true},
    {"wrong_media_type", C, 415, "Unsupported Media Type",
     "Send the form as application/x-www-form-urlencoded or application/json, in UTF-8.", false},
    {"bad_form", C, 400, "Bad Request",
     "The form must be percent-encoded UTF-8 text without control characters.", false},
    {"missing_field", C, 400, "Bad Request", "A field of the form is missing.", false},
    {"value_too_large", C, 413, "Content Too Large", "A value is too long to be remembered.",
     false},
    {"too_many_values", C, 413, "Content Too Large", "No more values can be remembered.", false},
    {"session_too_large", C, 413, "Content Too Large",
     "The values are too long to be remembered together.", false},
    {"bad_upgrade", C, 400, "Bad Request", "A request to upgrade must not have a body.", true},
    {"rate_limited", C, 429, "Too Many Requests", "Please slow down and try again later.", false},
    {"address_denied", C, 403, "Forbidden", "This address is not available to you.", false},
    {"session_required", C, 401, "Unauthorized", "Please sign in first.", false},
    {"session_refused", C, 403, "Forbidden", "This address is not available to you.", false},
    {"plain_http", C, 400, "Bad Request",
     "This port speaks https, and the request came in plain http: write https:// in front of the "
     "address.",
     true},
    {"client_gone", C, 0, "", "", true},
    {"client_stalled", C, 0, "", "", true},
    {"backend_unreachable", B, 502, "Bad Gateway",
     "The service behind this address cannot be reached.", false},
    {"backend_connect_timeout", B, 504, "Gateway Timeout",
     "The service behind this address did not answer in time.", false},
    {"backend_timeout", B, 504, "Gateway Timeout",
     "The service behind this address did not answer in time.", false},
    {"backend_closed", B, 502, "Bad Gateway", "The service behind this address broke off.", false},
    {"backend_bad_response", B, 502, "Bad Gateway",
     "The service behind this address sent an invalid answer.", false},
    {"backend_head_too_large", B, 502, "Bad Gateway",
     "The service behind this address sent an invalid answer.", false},
    {"backend_stalled", B, 504, "Gateway Timeout",
     "The service behind this address stopped listening.", false},
    {"backend_tls", B, 502, "Bad Gateway",
     "The service behind this address cannot be reached safely.", false},
    {"no_server", P, 503, "Service Unavailable", "Please try again in a moment.", false},
    {"loop", P, 508, "Loop Detected", "This address leads back to the proxy itself.", false},
    {"overloaded", P, 503, "Service Unavailable", "Too many visitors at once. Please try again.",
     false},
    {"store_down", P, 503, "Service Unavailable", "Please try again in a moment.", false},
    {"internal", P, 500, "Internal Server Error", "Something went wrong here.", true},
};
static_assert(std::size(kFaults) == static_cast<std::size_t>(Fault::Count));

}  // namespace

const FaultInfo& describe(Fault fault) {
  return kFaults[static_cast<std::size_t>(fault)];
}

}  // namespace keepsake
