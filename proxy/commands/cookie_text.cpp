#include "commands/cookie_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64url.hpp"
#include "config/units.hpp"
#include "http/chars.hpp"
#include "http/utf8.hpp"

namespace keepsake {
namespace {

// The parts of a sealed cookie up to its ciphertext (session/sealed_codec.hpp).
constexpr std::size_t kKeyIdAt = 1;
constexpr std::size_t kSmallest = 1 + 4 + 24 + 32 + 16;
constexpr std::size_t kLongest = 4096;

std::string_view strip(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The text of a Cookie or Set-Cookie line, or of a value alone.
std::string_view strip_field_name(std::string_view text) {
  text = strip(text);
  for (const std::string_view field : {"cookie:", "set-cookie:"}) {
    if (equals_ignoring_case(text.substr(0, field.size()), field)) {
      text = strip(text.substr(field.size()));
    }
  }
  return text;
}

bool is_cookie_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

std::vector<std::uint8_t> decode(std::string_view cookie) {
  std::vector<std::uint8_t> bytes(base64url_decoded_size(cookie.size()));
  const auto size = base64url_decode(cookie, bytes);
  bytes.resize(size.value_or(0));
  return bytes;
}

std::string key_list(const SessionConfig& config, const KeyRing& keys) {
  std::string out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    out +=
        fmt::format("{}{} from {}", i == 0 ? "" : ", ", keys.id_hex(i), config.secrets[i].origin);
  }
  return out;
}

std::string why_malformed_sealed(std::string_view cookie) {
  if (std::count(cookie.begin(), cookie.end(), '.') >= 2) {
    return "this looks like a Flask cookie, and session.format is sealed";
  }
  const auto odd = std::find_if_not(cookie.begin(), cookie.end(), is_cookie_character);
  if (odd != cookie.end()) {
    return fmt::format("character {} is none of base64url (A-Z a-z 0-9 - _)",
                       odd - cookie.begin() + 1);
  }
  const std::vector<std::uint8_t> bytes = decode(cookie);
  if (bytes.empty()) {
    return "it is not the canonical base64url of any bytes: cut off, or changed at its end";
  }
  if (bytes[0] != 1) {
    return fmt::format(
        "its first byte is {:#04x}, and a sealed cookie begins with 0x01: another "
        "program's, or a later version's",
        bytes[0]);
  }
  if (bytes.size() < kSmallest || (bytes.size() - kSmallest) % 32 != 0) {
    return fmt::format("no sealed cookie has {} bytes: cut off, or something was added",
                       bytes.size());
  }
  return "it is authentic, but its content has no meaning to this version";
}

std::string why_malformed_flask(std::string_view cookie) {
  if (std::count(cookie.begin(), cookie.end(), '.') < 2) {
    return decode(cookie).size() >= kSmallest
               ? "this looks like a sealed cookie, and session.format is flask"
               : "a Flask cookie is payload.stamp.signature: parts are missing";
  }
  return "it is not a Flask session: cut off, or its payload is no JSON object";
}

std::string why_malformed(const SessionConfig& config, std::string_view cookie) {
  if (cookie.empty()) {
    return "it is empty";
  }
  if (cookie.size() > kLongest) {
    return fmt::format("it has {} bytes, and no browser keeps more than {}", cookie.size(),
                       kLongest);
  }
  return config.format == SessionFormat::Sealed ? why_malformed_sealed(cookie)
                                                : why_malformed_flask(cookie);
}

}  // namespace

bool is_bare_value(std::string_view text) {
  return strip_field_name(text).find_first_of("=;") == std::string_view::npos;
}

std::vector<std::string_view> cookie_values(std::string_view text, std::string_view name) {
  text = strip_field_name(text);
  if (is_bare_value(text)) {
    return {text};
  }
  std::vector<std::string_view> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view pair = strip(text.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && strip(pair.substr(0, equals)) == name) {
      values.push_back(strip(pair.substr(equals + 1)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

std::string explain_closed(const SessionConfig& config, const KeyRing& keys,
                           std::string_view cookie, OpenStatus status) {
  if (status == OpenStatus::Forged) {
    return "it was sealed with a key that is configured here, but does not authenticate: it was "
           "changed, or sealed for a cookie of another name than " +
           config.cookie.name + (config.cookie.bind_host ? " or for another host" : "");
  }
  if (status != OpenStatus::UnknownKey) {
    return why_malformed(config, cookie);
  }
  if (config.format == SessionFormat::Flask) {
    return "no configured secret made its signature (" + key_list(config, keys) +
           "): another secret, or the cookie was changed";
  }
  const std::vector<std::uint8_t> bytes = decode(cookie);
  std::string id;
  for (std::size_t i = kKeyIdAt; i < kKeyIdAt + std::tuple_size_v<KeyId> && i < bytes.size(); ++i) {
    id += fmt::format("{:02x}", bytes[i]);
  }
  return fmt::format(
      "it was sealed with key {}, which is not configured here ({}): a replica with "
      "another secret, or a secret that was taken out",
      id, key_list(config, keys));
}

std::string explain_over(const Lifetime& lifetime, const Session& session, OpenStatus status,
                         std::int64_t now) {
  switch (status) {
    case OpenStatus::FromFuture:
      return fmt::format("it is stamped {} ahead of this machine's clock, and {} are allowed",
                         format_span(std::max(session.created, session.touched) - now),
                         format_span(kAcceptedSkew));
    case OpenStatus::IdleExpired:
      return fmt::format(
          "unused for {}, and {} is {}", format_span(now - session.touched),
          session.lifetime.value_or(0) != 0 ? "its own lifetime" : "session.idle_timeout",
          format_duration(std::chrono::seconds{idle_timeout_of(lifetime, session)}));
    case OpenStatus::AbsoluteExpired:
      return fmt::format("created {} ago, and session.absolute_timeout is {}",
                         format_span(now - session.created),
                         format_duration(lifetime.absolute_timeout));
    default:
      return "created before session.not_before, " + format_date(lifetime.not_before.value_or(0));
  }
}

std::string format_span(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    std::string_view name;
  };
  static constexpr Unit units[] = {{86'400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  for (std::size_t i = 0; i < std::size(units); ++i) {
    if (seconds < units[i].seconds) {
      continue;
    }
    std::string out = fmt::format("{} {}", seconds / units[i].seconds, units[i].name);
    if (i + 1 < std::size(units)) {
      const std::int64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
      out += rest > 0 ? fmt::format(" {} {}", rest, units[i + 1].name) : "";
    }
    return out;
  }
  return "0 s";
}

std::string quote_for_terminal(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    const std::size_t size = std::max<std::size_t>(point.size, 1);
    const std::string_view bytes = text.substr(i, size);
    if (bytes == "\"" || bytes == "\\") {
      out += '\\';
      out += bytes;
    } else if (point.size == 0 || point.value < 0x20 ||
               (point.value >= 0x7F && point.value < 0xA0)) {
      for (const char c : bytes) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      out += bytes;
    }
    i += size;
  }
  return out + '"';
}

}  // namespace keepsake
