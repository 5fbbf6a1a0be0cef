// The URL of a redis server, as redis-cli and the IANA registration of redis:// write it.

#include <algorithm>
#include <charconv>

#include "config/load_parts.hpp"
#include "http/hex.hpp"

namespace keepsake {
namespace {

// RFC 3986 2.1; passwords hold what URLs do not.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = percent_byte(text, i);
    if (text[i] == '%' && byte < 0) {
      return std::nullopt;
    }
    out += byte < 0 ? text[i] : static_cast<char>(byte);
    i += byte < 0 ? 0 : 2;
  }
  return out;
}

bool parse_database(std::string_view text, RedisConfig& redis, std::string& error) {
  unsigned number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || stop != text.data() + text.size() || number > 65'535) {
    error = "the database at the end of the URL is not a number from 0 to 65535";
    return false;
  }
  redis.database = number;
  return true;
}

bool parse_login(std::string_view login, RedisConfig& redis, std::string& error) {
  const std::size_t colon = login.find(':');
  const auto user = percent_decode(login.substr(0, colon));
  const auto password = percent_decode(colon == std::string_view::npos ? std::string_view{}
                                                                       : login.substr(colon + 1));
  if (!user || !password) {
    error = "a % in user or password is not followed by two hexadecimal digits";
    return false;
  }
  if (password->empty()) {
    error =
        "the password is missing, expected redis://user:password@host or redis://:password@host";
    return false;
  }
  redis.user = *user;
  redis.password = *password;
  return true;
}

bool parse_unix_socket(std::string_view rest, RedisConfig& redis, std::string& error) {
  // unix://user:password@/path carries a login as redis:// does.
  std::string_view login;
  if (const std::size_t at = rest.find("@/");
      rest.starts_with("//") && at != std::string_view::npos) {
    login = rest.substr(2, at - 2);
    rest.remove_prefix(at + 1);
  }
  if (!login.empty() && !parse_login(login, redis, error)) {
    return false;
  }
  const std::size_t question = rest.find('?');
  const auto address = parse_socket_address("unix:" + std::string{rest.substr(0, question)}, error);
  if (!address) {
    return false;
  }
  redis.over_unix = true;
  redis.host = address->path;
  if (question == std::string_view::npos) {
    return true;
  }
  const std::string_view query = rest.substr(question + 1);
  if (!query.starts_with("db=")) {
    error = "only ?db=NUMBER may follow the path of a unix socket";
    return false;
  }
  return parse_database(query.substr(3), redis, error);
}

}  // namespace

bool parse_redis_url(std::string_view url, RedisConfig& redis, std::string& error) {
  if (url.starts_with("unix:")) {
    return parse_unix_socket(url.substr(5), redis, error);
  }
  const bool tls = url.starts_with("rediss://");
  if (!tls && !url.starts_with("redis://")) {
    error = "expected redis://host:port/database, rediss:// for TLS, or unix:/path";
    return false;
  }
  url.remove_prefix(tls ? 9 : 8);
  const std::size_t at = url.rfind('@');
  if (at != std::string_view::npos) {
    if (!parse_login(url.substr(0, at), redis, error)) {
      return false;
    }
    url.remove_prefix(at + 1);
  }
  const std::size_t slash = url.find('/');
  if (slash != std::string_view::npos && slash + 1 < url.size() &&
      !parse_database(url.substr(slash + 1), redis, error)) {
    return false;
  }
  std::string place{url.substr(0, slash)};
  const std::size_t close = place.rfind(']');
  if (place.find(':', close == std::string::npos ? 0 : close) == std::string::npos) {
    place += ":6379";
  }
  const auto address = parse_socket_address(place, error);
  if (!address) {
    return false;
  }
  if (address->port == 0) {
    error = "nothing can be reached at port 0";
    return false;
  }
  redis.host = address->host;
  redis.port = address->port;
  if (tls) {
    redis.tls.emplace();
  }
  return true;
}

}  // namespace keepsake
