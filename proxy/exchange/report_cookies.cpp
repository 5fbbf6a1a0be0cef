#include "exchange/report_cookies.hpp"

#include <array>
#include <span>
#include <string>

#include "base/base64url.hpp"
#include "exchange/services.hpp"
#include "http/hex.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

Counter counter_of(OpenStatus status) {
  switch (status) {
    case OpenStatus::UnknownKey:
      return Counter::RejectedUnknownKey;
    case OpenStatus::Forged:
      return Counter::RejectedForged;
    case OpenStatus::FromFuture:
      return Counter::RejectedFromFuture;
    case OpenStatus::IdleExpired:
      return Counter::RejectedIdle;
    case OpenStatus::AbsoluteExpired:
      return Counter::RejectedAbsolute;
    case OpenStatus::BeforeNotBefore:
      return Counter::RejectedNotBefore;
    default:
      return Counter::RejectedMalformed;
  }
}

// Somewhere the same cookie name is sealed with a secret that is not configured here.
void log_unknown_key(Exchange& x, std::string_view cookie) {
  std::string id;
  if (x.view->config().session.format == SessionFormat::Sealed) {
    std::array<std::uint8_t, 6> begin{};  // a version, four bytes of id, one more
    base64url_decode(cookie.substr(0, 8), begin);
    id = " (its key id is ";
    for (const std::uint8_t byte : std::span{begin}.subspan(1, 4)) {
      append_hex(byte, kLowerHex, id);
    }
    id.append(")");
  }
  log::warn(
      "a session cookie was sealed with a secret that is not among session.secrets{}: its visitor "
      "is anonymous here, the cookie stays. If another replica made it, give every replica the "
      "same secrets; if a secret was removed, put it back behind the first until "
      "session.idle_timeout has passed; if another application made it, give one of the two "
      "cookies another name (session.cookie.name)",
      id);
}

}  // namespace

bool may_say(Exchange& x, SeldomLine line) {
  return x.services.shared().seldom.now(line, x.services.clock().steady());
}

void report_cookie(Exchange& x, std::string_view cookie, OpenStatus status) {
  x.services.metrics().add(counter_of(status));
  const std::string& name = x.view->config().session.cookie.name;
  switch (status) {
    case OpenStatus::UnknownKey:
      if (may_say(x, SeldomLine::UnknownKey)) {
        log_unknown_key(x, cookie);
      }
      break;
    case OpenStatus::Malformed:
      if (may_say(x, SeldomLine::ForeignCookie)) {
        log::warn(
            "a request for host {} has a cookie \"{}\" that Keepsake did not make: it stays, and "
            "no backend gets it. If an application on this host or on a parent domain uses that "
            "name, give one of the two cookies another name (session.cookie.name)",
            escape_for_log(x.work.host), name);
      }
      break;
    case OpenStatus::Forged:
      if (may_say(x, SeldomLine::ForgedCookie)) {
        log::warn(
            "a session cookie \"{}\" names a key of session.secrets and does not authenticate: it "
            "was changed, or made under another cookie name{}. Its visitor is anonymous, the "
            "cookie stays. A former name of the cookie belongs to session.cookie.previous",
            name, x.view->config().session.cookie.bind_host ? " or for another host" : "");
      }
      break;
    case OpenStatus::FromFuture:
      if (may_say(x, SeldomLine::FutureCookie)) {
        log::warn(
            "a session cookie is stamped more than {} s ahead of the clock here: its visitor is "
            "anonymous until then, the cookie stays. Keep the clocks of all machines together, by "
            "NTP for example",
            kAcceptedSkew);
      }
      break;
    default:
      break;  // over: nothing is wrong
  }
}

void report_large_session(Exchange& x) {
  if (!may_say(x, SeldomLine::LargeSession)) {
    return;
  }
  log::warn(
      "backend {} answered 431 to a request with session headers: they may be larger than it "
      "takes. Lower session.max_values or session.max_value, inject fewer values "
      "(session.headers), or raise the backend's limit (request {})",
      x.balancer->config().name, request_id(x));
}

void report_rivals(Exchange& x) {
  x.services.metrics().add(Counter::RivalCookies);
  if (!may_say(x, SeldomLine::RivalCookies)) {
    return;
  }
  log::warn(
      "a browser sent the cookies \"{}\" of several live sessions for host {}: the newest counts, "
      "none is touched. A name with the prefix __Host- (session.cookie.name, with secure: true) "
      "keeps other hosts and paths from setting it; if path, domain or name of the cookie were "
      "changed, list the former ones in session.cookie.previous",
      x.view->config().session.cookie.name, escape_for_log(x.work.host));
}

}  // namespace keepsake
