#include "io/log.hpp"

#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>

#include "io/log_writer.hpp"

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

std::string_view color_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::info:
      return "\033[32m";
    case spdlog::level::warn:
      return "\033[33m\033[1m";
    case spdlog::level::err:
      return "\033[31m\033[1m";
    case spdlog::level::critical:
      return "\033[1m\033[41m";
    default:
      return "\033[36m";
  }
}

// Standard error, or a file that may be exchanged while workers write. The lines go to a thread
// that writes them: no thread that logs waits for the reader.
class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void write_to(std::shared_ptr<const LogFile> file) {
    const std::lock_guard lock{mutex_};
    file_ = std::move(file);
  }
  void begin() {
    const std::lock_guard lock{mutex_};
    if (!writer_) {
      writer_ = std::make_unique<LogWriter>();
    }
  }
  void end() {
    std::unique_ptr<LogWriter> ending;  // which may take a moment, and holds no lock meanwhile
    const std::lock_guard lock{mutex_};
    ending.swap(writer_);
  }
  std::uint64_t dropped() {
    const std::lock_guard lock{mutex_};
    return dropped_ + (writer_ ? writer_->lost() : 0);
  }
  void write_text(std::string_view text) {
    const std::lock_guard lock{mutex_};
    add(text);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    formatter_->format(message, line_);
    const std::string_view line{line_.data(), line_.size()};
    if (file_ || !colored_ || message.color_range_end <= message.color_range_start) {
      add(line);
      return;
    }
    add(fmt::format(
        "{}{}{}\033[m{}", line.substr(0, message.color_range_start), color_of(message.level),
        line.substr(message.color_range_start, message.color_range_end - message.color_range_start),
        line.substr(message.color_range_end)));
  }
  void flush_() override {}
  void set_pattern_(const std::string& pattern) override {
    set_formatter_(std::make_unique<spdlog::pattern_formatter>(pattern));
  }
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    formatter_ = std::move(formatter);
  }

 private:
  void add(std::string_view line) {
    if (!writer_ || !writer_->append(line, file_ ? file_->fd() : STDERR_FILENO, file_)) {
      ++dropped_;
    }
  }

  std::unique_ptr<LogWriter> writer_;
  std::shared_ptr<const LogFile> file_;
  spdlog::memory_buf_t line_;
  std::uint64_t dropped_ = 0;
  const bool colored_ = ::isatty(STDERR_FILENO) == 1 && spdlog::details::os::is_color_terminal();
};

const std::shared_ptr<LogSink>& sink() {
  static const auto made = std::make_shared<LogSink>();
  return made;
}

}  // namespace

void set_up_log(spdlog::level::level_enum level, bool json, std::shared_ptr<const LogFile> file) {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("keepsake", sink());
    spdlog::set_default_logger(made);
    return made;
  }();
  sink()->begin();
  sink()->write_to(std::move(file));
  if (json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonText>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  }
  logger->set_level(level);
}

void write_to_log(std::string_view text) {
  sink()->write_text(text);
}

void end_log() {
  sink()->end();
}

std::uint64_t log_lines_dropped() {
  return sink()->dropped();
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
