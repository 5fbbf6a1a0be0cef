#pragma once
// What a visitor sees when Keepsake itself has to answer: a small HTML page or RFC 9457 problem
// details. Called by fail_exchange and run_action. Says nothing internal and reflects nothing but
// the request id.

#include <string>
#include <string_view>

namespace keepsake {

// `title` and `detail` are escaped. Content-Type is "text/html; charset=utf-8" or
// "application/problem+json".
void append_error_body(unsigned status, std::string_view title, std::string_view detail,
                       std::string_view request_id, bool html, std::string& out);

// A page of the operator's own, HTML: {status}, {title} and {request_id} in it are replaced by what
// they name, escaped. Other braces stay.
void append_own_page(std::string_view page, unsigned status, std::string_view title,
                     std::string_view request_id, std::string& out);

// Whether an Accept field (RFC 9110 12.5.1) names HTML with at least the quality of JSON. A
// wildcard alone is no browser: false, as for an absent field.
bool prefers_html(std::string_view accept);

// "Not Found" for 404; "Error" for a status that has no name here.
std::string_view reason_phrase(unsigned status);

}  // namespace keepsake
