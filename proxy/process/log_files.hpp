#pragma once
// The files that log.file and log.access_file name. Opened by `keepsake run`, by a reload, and anew
// when SIGUSR1 says that they were renamed.

#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "io/log_file.hpp"

namespace keepsake {

struct LogFiles {
  std::shared_ptr<const LogFile> log;     // empty: standard error
  std::shared_ptr<const LogFile> access;  // empty: standard output
  // Removes what opening them has made.
  void discard() const;
};

// Empty, with the key and the reason in `error`, if one of them cannot be written.
std::optional<LogFiles> open_log_files(const LogConfig& config, std::string& error);

// log.level, log.format and log.file take effect.
void apply_log(const LogConfig& config, std::shared_ptr<const LogFile> file);

}  // namespace keepsake
