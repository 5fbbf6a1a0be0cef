#include "commands/health_command.hpp"

#include <fmt/format.h>

#include <iostream>

#include "commands/http_get.hpp"
#include "config/units.hpp"
#include "process/exit_code.hpp"

namespace keepsake {

int health_command(const HealthOptions& options) {
  const auto fail = [&](int code, const std::string& what) {
    std::cerr << "keepsake: " << options.url << ' ' << what << '\n';
    return code;
  };
  std::string error;
  auto question = parse_http_url(options.url, "health", error);
  if (!question) {
    return fail(kWrongInput, error);
  }
  question->unix_socket = options.unix_socket;
  const auto timeout = parse_duration(options.timeout);
  if (!timeout || timeout->count() == 0) {
    std::cerr << "keepsake: --timeout " << options.timeout << " is no duration, as in 5s\n";
    return kWrongInput;
  }
  const HttpOutcome outcome = http_get(*question, *timeout, false);
  if (!outcome.failure.empty()) {
    return fail(kFailed, outcome.failure);
  }
  if (outcome.status < 200 || outcome.status > 299) {
    return fail(kFailed, fmt::format("answers {} {}", outcome.status, outcome.reason));
  }
  return kFine;
}

}  // namespace keepsake
