#include "exchange/set_cookie.hpp"

#include "exchange/attach_session.hpp"
#include "exchange/report_cookies.hpp"
#include "exchange/request_head.hpp"
#include "exchange/services.hpp"
#include "http/caching_fields.hpp"
#include "http/chars.hpp"
#include "http/cookie.hpp"
#include "io/log.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

std::string_view same_site_text(SameSite mode) {
  switch (mode) {
    case SameSite::Strict:
      return "Strict";
    case SameSite::None:
      return "None";
    case SameSite::Lax:
      break;
  }
  return "Lax";
}

// session.permanent of Flask: the truth of the value that it keeps under that name.
bool is_permanent(const Session& session) {
  const std::string_view value = session.find("_permanent").value_or("");
  return !value.empty() && value != "false" && value != "0";
}

// A permanent session of Flask outlives the browser, whatever cookie.lifetime says of others.
void add_lifetime(const Exchange& x, CookieAttributes& attributes) {
  const SessionConfig& session = x.view->config().session;
  if (session.format == SessionFormat::Flask && is_permanent(x.work.session)) {
    const std::int64_t lifetime = session.flask.permanent_lifetime.count();
    attributes.max_age = lifetime;
    attributes.expires = unix_seconds(x.services.clock().wall()) + lifetime;
  } else if (const auto lifetime = cookie_life_of(session.cookie.lifetime, x.work.session)) {
    attributes.max_age = lifetime->count();
  }
}

// RFC 6265bis 5.7: browsers drop a cookie whose Domain does not cover the host. Without it the
// cookie is the host's own.
std::string_view domain_for(Exchange& x) {
  const std::string& domain = x.view->config().session.cookie.domain;
  if (domain.empty() || domain_covers(domain, x.site.name)) {
    return domain;
  }
  if (may_say(x, SeldomLine::OtherDomain)) {
    log::warn(
        "host {} is not within session.cookie.domain ({}): its visitors get a cookie for that host "
        "alone, because browsers would drop the other. Serve only hosts within the domain, or "
        "leave session.cookie.domain out",
        escape_for_log(x.site.name), domain);
  }
  return {};
}

CookieAttributes attributes_of(Exchange& x) {
  const CookieConfig& cookie = x.view->config().session.cookie;
  CookieAttributes attributes;
  attributes.name = cookie.name;
  attributes.path = cookie.path;
  attributes.domain = domain_for(x);
  attributes.secure = cookie.secure == SecureMode::Always ||
                      (cookie.secure == SecureMode::Auto && client_uses_https(x));
  attributes.http_only = cookie.http_only;
  attributes.partitioned = cookie.partitioned;
  attributes.same_site = same_site_text(cookie.same_site);
  return attributes;
}

// Whether the page that caused the request came by https: then so does this request, through a
// proxy that is not believed. Only for the log.
bool seems_https(const Exchange& x) {
  const RequestHead& head = x.work.request;
  for (const FieldId id : {FieldId::Origin, FieldId::Referer, FieldId::XForwardedProto}) {
    const Field* field = head.find(id);
    if (field != nullptr && equals_ignoring_case(field->value.substr(0, 5), "https")) {
      return true;
    }
  }
  return false;
}

// RFC 6265bis 5.7: over plain http browsers drop a Secure cookie; some make an exception for the
// loopback.
void warn_of_plain_http(Exchange& x) {
  if (client_uses_https(x) || seems_https(x) || !may_say(x, SeldomLine::SecureOverHttp)) {
    return;
  }
  log::warn(
      "a session cookie with secure: true was set for host {} over plain http, where browsers drop "
      "it. Behind a proxy that speaks https, name it in trusted_proxies and let it send "
      "X-Forwarded-Proto; else give the listener tls, or write session.cookie.secure: auto",
      escape_for_log(x.site.name));
}

void begin_line(Exchange& x) {
  x.work.session_lines.append("Set-Cookie: "sv);
}

void end_line(Exchange& x) {
  x.work.session_lines.append("\r\n"sv);
}

// The scopes in which the browser may have the cookie from before, each by a line of its own; never
// the scope that the cookie has now.
void clear_former_scopes(Exchange& x, CookieAttributes attributes) {
  if (!x.session.clears_former) {
    return;
  }
  const CookieAttributes now = attributes;
  for (const CookieScope& scope : x.view->config().session.cookie.previous) {
    const bool elsewhere = !scope.domain.empty() && !domain_covers(scope.domain, x.site.name);
    if (elsewhere ||
        (scope.name == now.name && scope.path == now.path && scope.domain == now.domain)) {
      continue;
    }
    attributes.name = scope.name;
    attributes.path = scope.path;
    attributes.domain = scope.domain;
    attributes.secure = now.secure || scope.name.starts_with("__");
    begin_line(x);
    append_clear_cookie(attributes, x.work.session_lines);
    end_line(x);
  }
}

}  // namespace

void forbid_caching(Exchange& x) {
  if (x.for_one_visitor) {
    return;
  }
  x.for_one_visitor = true;
  x.work.session_lines.append("Cache-Control: private, no-store\r\n"sv);
  for (Field& field : x.work.response.fields) {
    field.drop = field.drop || is_about_caching(field.name);
  }
}

void set_cookie(Exchange& x) {
  std::string& value = x.work.scratch;
  value.clear();
  if (x.view->store) {
    Session ticket;  // the values stay in the store
    ticket.id = x.work.session.id;
    ticket.has_id = true;
    ticket.created = x.work.session.created;
    ticket.lifetime = x.work.session.lifetime;
    ticket.touched = unix_seconds(x.services.clock().wall());
    x.view->codec->seal(ticket, seal_host(x), value);
  } else {
    x.view->codec->seal(x.work.session, seal_host(x), value);
  }
  CookieAttributes attributes = attributes_of(x);
  add_lifetime(x, attributes);
  begin_line(x);
  append_set_cookie(attributes, value, x.work.session_lines);
  end_line(x);
  if (attributes.secure) {
    warn_of_plain_http(x);
  }
  clear_former_scopes(x, attributes);
  forbid_caching(x);
}

void clear_cookie(Exchange& x) {
  const CookieAttributes attributes = attributes_of(x);
  begin_line(x);
  append_clear_cookie(attributes, x.work.session_lines);
  end_line(x);
  clear_former_scopes(x, attributes);
  forbid_caching(x);
}

bool set_return_cookie(Exchange& x, std::string_view page) {
  std::string& value = x.work.scratch;
  value.clear();
  const std::int64_t now = unix_seconds(x.services.clock().wall());
  if (!x.view->return_cookie->seal(page, now, seal_host(x), value)) {
    return false;
  }
  CookieAttributes attributes = attributes_of(x);
  attributes.name = x.view->snapshot->return_name;
  attributes.max_age = ReturnCookie::kLifetime;
  begin_line(x);
  append_set_cookie(attributes, value, x.work.session_lines);
  end_line(x);
  forbid_caching(x);
  return true;
}

void clear_return_cookie(Exchange& x) {
  CookieAttributes attributes = attributes_of(x);
  attributes.name = x.view->snapshot->return_name;
  begin_line(x);
  append_clear_cookie(attributes, x.work.session_lines);
  end_line(x);
  forbid_caching(x);
}

}  // namespace keepsake
