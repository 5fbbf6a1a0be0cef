#pragma once
// What a line of the access log may hold when `log.fields` chooses, and the words for it. Read by
// the loader and by the log itself, so that both speak of the same fields.

#include <array>
#include <cstdint>
#include <string_view>

namespace keepsake {

enum class LogField : std::uint8_t {
  Time,
  RequestId,
  TraceId,
  Client,
  Method,
  Target,
  Path,
  Version,
  Host,
  Status,
  Sent,
  Received,
  Duration,
  Backend,
  Server,
  Route,
  Session,
  Referer,
  UserAgent,
  Tls,
  Fault,
  Spoofed,
  Connection,
  Stream,
  Count
};

// `log_field_words[i]` stands for the enumerator of value i.
inline constexpr auto log_field_words = std::to_array<std::string_view>(
    {"time",       "request_id", "trace_id", "client",  "method",     "target",
     "path",       "version",    "host",     "status",  "sent",       "received",
     "duration",   "backend",    "server",   "route",   "session",    "referer",
     "user_agent", "tls",        "fault",    "spoofed", "connection", "stream"});
static_assert(log_field_words.size() == static_cast<std::size_t>(LogField::Count));

constexpr std::string_view to_string(LogField field) {
  return log_field_words[static_cast<std::size_t>(field)];
}

}  // namespace keepsake
