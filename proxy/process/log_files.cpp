#include "process/log_files.hpp"

#include "io/log.hpp"

namespace keepsake {
namespace {

bool open_one(const char* key, const std::string& path, std::shared_ptr<const LogFile>& file,
              std::string& error) {
  if (path.empty()) {
    return true;
  }
  file = LogFile::open(path, error);
  if (!file) {
    error.insert(0, std::string{key} + ": ");
  }
  return file != nullptr;
}

}  // namespace

std::optional<LogFiles> open_log_files(const LogConfig& config, std::string& error) {
  LogFiles files;
  if (!open_one("log.file", config.file, files.log, error) ||
      !open_one("log.access_file", config.access_file, files.access, error)) {
    files.discard();
    return std::nullopt;
  }
  return files;
}

void LogFiles::discard() const {
  for (const auto& file : {log, access}) {
    if (file) {
      file->discard();
    }
  }
}

void apply_log(const LogConfig& config, std::shared_ptr<const LogFile> file) {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::trace, spdlog::level::debug,
                                                         spdlog::level::info, spdlog::level::warn,
                                                         spdlog::level::err};
  set_up_log(levels[static_cast<std::size_t>(config.level)], config.format == LogFormat::Json,
             std::move(file));
}

}  // namespace keepsake
