#pragma once
// One GET over plain http, for the commands that ask a running keepsake. Follows no redirect; what
// comes back is bounded.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace keepsake {

struct HttpQuestion {
  std::string authority, host, port, target;
  std::string unix_socket;  // connect here instead; the rest then only says Host and path
  std::string agent;        // the User-Agent
};

struct HttpOutcome {
  std::string failure = "no answer in time";  // empty: there was an answer
  unsigned status = 0;
  std::string reason;
  std::string body;  // if it was asked for
};

// Empty, and why in `error`, as the end of a sentence that begins with the URL; `who` speaks plain
// http only.
std::optional<HttpQuestion> parse_http_url(std::string_view url, std::string_view who,
                                           std::string& error);

HttpOutcome http_get(const HttpQuestion& question, std::chrono::milliseconds timeout,
                     bool want_body);

}  // namespace keepsake
