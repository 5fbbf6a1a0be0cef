#include "exchange/access_line.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <ctime>

#include "base/append_number.hpp"
#include "base/simd.hpp"
#include "exchange/client_address.hpp"
#include "exchange/client_side.hpp"
#include "exchange/count_exchange.hpp"
#include "exchange/exchange.hpp"
#include "exchange/fail_exchange.hpp"
#include "exchange/services.hpp"
#include "exchange/trace_request.hpp"
#include "http/hex.hpp"
#include "routing/traffic.hpp"
#include "store/store_key.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kMostBytes = 1024;  // of a field that a client fills

// A request's own line and what is usually wanted beside it.
constexpr std::array kJsonFields{LogField::Time,    LogField::Client,   LogField::Method,
                                 LogField::Target,  LogField::Version,  LogField::Status,
                                 LogField::Sent,    LogField::Duration, LogField::RequestId,
                                 LogField::Backend, LogField::Referer,  LogField::UserAgent,
                                 LogField::Fault};

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

// How many bytes of `text` stand there as they are, from its front. A target, a referer and a user
// agent are 200 bytes of every line: one at a time, they were half of what it cost.
std::size_t plain_size(std::string_view text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // As signed bytes those above 0x7f are below zero.
    const __m128i printable =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, last_control), _mm_cmplt_epi8(bytes, del));
    const __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const auto plain =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(special, printable)));
    if (plain != 0xffffU) {
      return static_cast<std::size_t>(p - begin + std::countr_one(plain));
    }
  }
  while (p != end && is_plain(*p)) {
    ++p;
  }
  return static_cast<std::size_t>(p - begin);
}

// Safe inside a quoted field of either format.
void append_escaped(std::string_view text, bool json, std::string& out) {
  text = text.substr(0, kMostBytes);
  while (true) {
    const std::size_t plain = plain_size(text);
    out.append(text.substr(0, plain));
    if (plain == text.size()) {
      return;
    }
    out.append(json ? "\\u00" : "\\x");
    append_hex(static_cast<unsigned char>(text[plain]), kLowerHex, out);
    text.remove_prefix(plain + 1);
  }
}

// Seconds with six decimals.
void append_seconds(std::chrono::nanoseconds took, std::string& out) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0) / 1000);
  append_number(micros / 1'000'000, out);
  std::array<char, 7> decimals{'.', '0', '0', '0', '0', '0', '0'};
  std::uint64_t rest = micros % 1'000'000;
  for (std::size_t i = decimals.size(); rest != 0; rest /= 10) {
    decimals[--i] = static_cast<char>('0' + rest % 10);
  }
  out.append(decimals.data(), decimals.size());
}

// Formatted once a second and thread.
const std::string& time_text(Services& services, bool json) {
  thread_local std::int64_t second = -1;
  thread_local bool was_json = false;
  thread_local std::string text;
  const std::int64_t now = unix_seconds(services.clock().wall());
  if (now != second || json != was_json) {
    second = now;
    was_json = json;
    const std::time_t time = now;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char buffer[64];
    const std::size_t n = std::strftime(
        buffer, sizeof buffer, json ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000", &parts);
    text.assign(buffer, n);
  }
  return text;
}

unsigned logged_status(const Exchange& x) {
  const bool gone = x.fault == Fault::ClientGone || x.fault == Fault::ClientStalled;
  return gone ? 499 : x.status;
}

std::string_view header_of(const Exchange& x, FieldId id) {
  const Field* field = x.head_read ? x.work.request.find(id) : nullptr;
  return field == nullptr ? std::string_view{} : field->value;
}

std::string_view version_of(const Exchange& x) {
  if (!x.head_read) {
    return "";
  }
  if (x.client.http2 != nullptr) {
    return "HTTP/2.0";
  }
  return x.work.request.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

// Text whose absence is "-" in a line and "" in JSON.
struct Writer {
  std::string& out;
  bool json;

  // Ours: nothing to escape, and no space in it.
  void word(std::string_view text) const {
    if (json) {
      out.push_back('"');
    }
    out.append(text.empty() && !json ? "-" : text);
    if (json) {
      out.push_back('"');
    }
  }
  // A client's.
  void quoted(std::string_view text) const {
    out.push_back('"');
    append_escaped(text.empty() && !json ? "-" : text, json, out);
    out.push_back('"');
  }
};

// Who was at what fault.
void append_fault(const Exchange& x, const Writer& to) {
  const FaultInfo& info = describe(x.fault);
  if (to.json) {
    to.word(info.word);
  } else if (x.fault == Fault::None) {
    to.word("");
  } else {
    to.out.append(side_text(info.side)).append(":").append(info.word);
  }
}

void append_field(Exchange& x, LogField field, SteadyTime ended, const Writer& to) {
  const RequestHead& head = x.work.request;
  switch (field) {
    case LogField::Time:
      to.out.push_back(to.json ? '"' : '[');
      to.out.append(time_text(x.services, to.json)).push_back(to.json ? '"' : ']');
      return;
    case LogField::RequestId:
      return to.word(request_id(x));
    case LogField::TraceId:
      return to.word(trace_id(x));
    case LogField::Client:
      return to.word(client_text(x));
    case LogField::Method:
      return to.quoted(x.head_read ? head.method_text : std::string_view{});
    case LogField::Target:
      return to.quoted(x.head_read ? head.target : std::string_view{});
    case LogField::Path:
      return to.quoted(x.head_read ? x.path : std::string_view{});
    case LogField::Version:
      return to.word(version_of(x));
    case LogField::Host:
      return to.quoted(x.head_read ? x.site.name : std::string_view{});
    case LogField::Status:
      return append_number(logged_status(x), to.out);
    case LogField::Sent:
      return append_number(x.sent, to.out);
    case LogField::Received:
      return append_number(body_received(x), to.out);
    case LogField::Duration:
      return append_seconds(ended - x.started, to.out);
    case LogField::Backend:
      return to.word(x.balancer == nullptr ? "" : x.balancer->config().name);
    case LogField::Server:
      return to.quoted(x.server == nullptr ? std::string_view{} : x.server->url);
    case LogField::Route:
      return to.quoted(x.route == nullptr ? std::string{} : route_label(*x.route));
    case LogField::Session: {
      std::string name;
      if (x.work.session.has_id && x.session.opened) {
        append_store_key(x.work.session.id, name);
      }
      return to.word(name);
    }
    case LogField::Referer:
      return to.quoted(header_of(x, FieldId::Referer));
    case LogField::UserAgent:
      return to.quoted(header_of(x, FieldId::UserAgent));
    case LogField::Tls:
      return to.word(x.client.peer.https ? "tls" : "");
    case LogField::Fault:
      return append_fault(x, to);
    case LogField::Spoofed:
      return append_number(x.spoofs, to.out);
    case LogField::Connection:
      return append_number(x.client.number, to.out);
    case LogField::Stream:
      return append_number(stream_number(x), to.out);
    case LogField::Count:
      return;
  }
}

template <class Fields>
void append_json(Exchange& x, const Fields& fields, SteadyTime ended, std::string& out) {
  char before = '{';
  for (const LogField field : fields) {
    out.push_back(before);
    before = ',';
    out.append("\"").append(to_string(field)).append("\":");
    append_field(x, field, ended, Writer{out, true});
  }
}

// The combined format, then the request id, the backend, the seconds it took and who was at what
// fault.
void append_combined(Exchange& x, SteadyTime ended, std::string& out) {
  const Writer to{out, false};
  const RequestHead& head = x.work.request;
  to.word(client_text(x));
  out.append(" - - ");
  append_field(x, LogField::Time, ended, to);
  out.append(" \"");
  append_escaped(x.head_read ? head.method_text : "-", false, out);
  out.push_back(' ');
  append_escaped(x.head_read ? head.target : "-", false, out);
  out.append(" ").append(x.head_read ? version_of(x) : "-").append("\" ");
  for (const LogField field : {LogField::Status, LogField::Sent, LogField::Referer,
                               LogField::UserAgent, LogField::RequestId, LogField::Backend}) {
    append_field(x, field, ended, to);
    out.push_back(' ');
  }
  append_seconds(ended - x.started, out);
  out.push_back(' ');
  append_fault(x, to);
}

}  // namespace

void append_access_line(Exchange& x, const LogConfig& config, SteadyTime ended, std::string& out) {
  const bool traced = config.fields.empty() && x.view->config().traceparent;
  if (config.format == LogFormat::Json) {
    if (config.fields.empty()) {
      append_json(x, kJsonFields, ended, out);
      out.append(R"(,"at_fault":")");
      out.append(x.fault == Fault::None ? "none" : side_text(describe(x.fault).side)).append("\"");
    } else {
      append_json(x, config.fields, ended, out);
    }
    if (traced) {
      out.append(R"(,"trace_id":")").append(trace_id(x)).append("\"");
    }
    out.append("}\n");
    return;
  }
  if (config.fields.empty()) {
    append_combined(x, ended, out);
  } else {
    for (const LogField field : config.fields) {
      append_field(x, field, ended, Writer{out, false});
      out.push_back(' ');
    }
    out.pop_back();
  }
  if (traced) {
    out.append(" ").append(trace_id(x));
  }
  out.push_back('\n');
}

}  // namespace keepsake
