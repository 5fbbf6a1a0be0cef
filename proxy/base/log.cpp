#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>

namespace keepsake {

namespace {

// %* of the JSON pattern: the message as the inside of a JSON string.
class JsonText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (byte < 0x20) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonText>();
  }
};

// Standard error, or a file that may be exchanged while workers write.
class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void write_to(std::shared_ptr<const LogFile> file) {
    const std::lock_guard lock{mutex_};
    file_ = std::move(file);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!file_) {
      console_.log(message);
      return;
    }
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    // A full disk loses the line; there is nobody to tell.
    [[maybe_unused]] const ssize_t n = ::write(file_->fd(), line.data(), line.size());
  }
  void flush_() override { console_.flush(); }
  void set_pattern_(const std::string& pattern) override {
    set_formatter_(std::make_unique<spdlog::pattern_formatter>(pattern));
  }
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    console_.set_formatter(formatter->clone());
    formatter_ = std::move(formatter);
  }

 private:
  spdlog::sinks::stderr_color_sink_mt console_;
  std::shared_ptr<const LogFile> file_;
};

}  // namespace

void set_up_log(spdlog::level::level_enum level, bool json, std::shared_ptr<const LogFile> file) {
  static const auto sink = std::make_shared<LogSink>();
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("keepsake", sink);
    spdlog::set_default_logger(made);
    return made;
  }();
  sink->write_to(std::move(file));
  if (json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonText>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  }
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
}

std::string escape_for_log(std::string_view text, std::size_t max) {
  std::string out;
  for (const char c : text.substr(0, max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  if (text.size() > max) {
    out += "...";
  }
  return out;
}

}  // namespace keepsake
