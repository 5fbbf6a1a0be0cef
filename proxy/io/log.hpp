#pragma once
// The operational log: spdlog on standard error or in a file. Not the access log
// (exchange/log_access.hpp). Never given a secret, a cookie, a header value or a body.
//
// Levels: error = something is broken and needs a person; warn = it works, but not as configured or
// wished; info = a change of state; debug = one line per exchange and connection.

#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "io/log_file.hpp"

namespace keepsake {

namespace log = spdlog;

// `level` is spdlog's; `json` makes each line one JSON object; without `file` lines go to standard
// error. Lines are written by a thread of their own (log_writer.hpp): a log that is not read loses
// lines, which are counted, and delays no thread. Call again on reload. Main thread.
void set_up_log(spdlog::level::level_enum level, bool json,
                std::shared_ptr<const LogFile> file = nullptr);

// Text for a person at a terminal, in its order among the lines of the log.
void write_to_log(std::string_view text);
// Writes what waits, within a moment; later lines are dropped. For the end of the process.
void end_log();
// How many lines were dropped because they were not read in time.
std::uint64_t log_lines_dropped();

// `text` with every byte outside printable ASCII, and `"` and `\`, as \xHH: for anything that came
// from a socket.
std::string escape_for_log(std::string_view text, std::size_t max = 200);

}  // namespace keepsake
