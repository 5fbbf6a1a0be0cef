#pragma once
// The operational log: spdlog on standard error or in a file. Not the access log
// (server/log_access.hpp). Never given a secret, a cookie, a header value or a body.
//
// Levels: error = something is broken and needs a person; warn = it works, but not as configured or
// wished; info = a change of state; debug = one line per exchange and connection.

#include <spdlog/spdlog.h>

#include <memory>
#include <string_view>

#include "base/log_file.hpp"

namespace keepsake {

namespace log = spdlog;

// `level` is spdlog's; `json` makes each line one JSON object; without `file` lines go to standard
// error. Call again on reload. Main thread.
void set_up_log(spdlog::level::level_enum level, bool json,
                std::shared_ptr<const LogFile> file = nullptr);

// `text` with every byte outside printable ASCII, and `"` and `\`, as \xHH: for anything that came
// from a socket.
std::string escape_for_log(std::string_view text, std::size_t max = 200);

}  // namespace keepsake
