#include "exchange/request_head.hpp"

#include <algorithm>
#include <array>

#include "backend/server_authority.hpp"
#include "base/append_number.hpp"
#include "exchange/answer_options.hpp"
#include "exchange/client_address.hpp"
#include "exchange/inject_session.hpp"
#include "exchange/line_run.hpp"
#include "exchange/move_locations.hpp"
#include "exchange/services.hpp"
#include "exchange/trace_request.hpp"
#include "http/chars.hpp"
#include "http/cookie.hpp"
#include "http/cookie_line.hpp"
#include "http/field_traits.hpp"
#include "http/request_id.hpp"
#include "io/log.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// method SP target SP HTTP/1.1, with the target's own bytes in origin form (RFC 9112 3.2.1) unless
// the route rewrites them.
void append_start_line(const Exchange& x, std::string& out) {
  const RequestHead& head = x.work.request;
  if (x.target.origin.data() == head.target.data() && head.start_line.ends_with("HTTP/1.1\r\n")) {
    out.append(head.start_line);
    return;
  }
  out.append(head.method_text).append(" "sv);
  if (x.target.origin.empty() || x.target.origin.front() == '?') {
    out.append("/"sv);
  }
  out.append(x.target.origin).append(" HTTP/1.1\r\n"sv);
}

// Whether a line of the client reaches the backend as it came.
enum class Verdict : std::uint8_t { Keep, Drop, Spoof };

Verdict judge_kind(const Exchange& x, const Field& field) {
  const FieldTraits traits = traits_of(field.id);
  if ((traits & kInjected) != 0 ||
      (!field.exact && (traits & (kOwnToBackends | kFromProxies)) != 0)) {
    return Verdict::Spoof;
  }
  const bool passes = (traits & kJudgedToBackends) == 0 ||
                      ((traits & kMoved) != 0 && !x.rules->moves_locations) ||
                      ((traits & kFromProxies) != 0 && x.client.peer.trusted);
  return passes || !field.exact ? Verdict::Keep : Verdict::Drop;
}

// Whether `headers_with_underscore` or the route removes lines by their names.
bool removes_by_name(const Exchange& x) {
  return x.view->config().headers_with_underscore == UnderscorePolicy::Drop ||
         !x.rules->request_names.empty();
}

Verdict judge(const Exchange& x, const Field& field) {
  if (field.drop) {
    return Verdict::Drop;
  }
  const Verdict verdict = judge_kind(x, field);
  if (verdict != Verdict::Keep) {
    return verdict;
  }
  const bool underscore = x.view->config().headers_with_underscore == UnderscorePolicy::Drop &&
                          field.name.find('_') != std::string_view::npos;
  return underscore || x.rules->request_names.has(field.name) ? Verdict::Drop : Verdict::Keep;
}

// What the client calls us; empty if it does not say.
std::string_view own_host(const Exchange& x) {
  const Field* field = x.work.request.find(FieldId::Host);
  return field != nullptr && !field->value.empty() ? field->value : x.target.authority;
}

void append_host(const Exchange& x, const ServerConfig& server, std::string& out) {
  out.append("Host: "sv);
  append_backend_host(x, server, out);
  out.append("\r\n"sv);
}

// A cookie of a former name is the session's too where one of our keys made it; an application may
// have a cookie of that name by now.
bool is_former(const Exchange& x, std::string_view part) {
  const std::vector<std::string>& names = x.view->snapshot->cookie_names;
  return std::any_of(names.begin() + 1, names.end(), [&](const std::string& name) {
    return is_cookie_of(part, name) && x.view->codec->knows(cookie_value(part, name));
  });
}

void append_cookie_line(const Exchange& x, const Field& field, std::string& out) {
  const std::vector<std::string>& names = x.view->snapshot->cookie_names;
  const std::size_t start = out.size();
  out.append(field.name).append(": "sv);
  const std::size_t value = out.size();
  const std::string& return_name = x.view->snapshot->return_name;
  const auto is_ours = [&](std::string_view part) {
    return is_cookie_of(part, names.front()) || (names.size() > 1 && is_former(x, part)) ||
           (!return_name.empty() && is_cookie_of(part, return_name));
  };
  if (!append_cookies_without(field.value, is_ours, out)) {
    out.resize(start);
    out.append(field.line);
  } else if (out.size() == value) {
    out.resize(start);
  } else {
    out.append("\r\n"sv);
  }
}

// Counted each, logged at a limited rate: a client that tries must not fill the log.
void report_spoofs(Exchange& x, std::uint64_t spoofs) {
  if (x.spoofs != 0) {
    return;  // a second attempt builds the head anew
  }
  x.spoofs = static_cast<std::uint32_t>(spoofs);
  x.services.metrics().add(Counter::SpoofedHeaders, spoofs);
  warn_within(x.services.shared().lines.spoof, x.services.streams().now(),
              "{} sent {} headers that pose as the proxy's own: removed (request {})",
              client_text(x), spoofs, request_id(x));
}

// Every client line that stays, in order. Cookie and Host lines keep their place.
void append_client_lines(Exchange& x, const ServerConfig& server, std::string& out) {
  const bool by_name = removes_by_name(x);
  LineRun run{out};
  std::uint64_t spoofs = 0;
  for (const Field& field : x.work.request.fields) {
    if ((traits_of(field.id) & kJudgedToBackends) == 0 && !field.drop && !by_name) [[likely]] {
      run.add(field.line);
      continue;
    }
    const Verdict verdict = judge(x, field);
    if (verdict == Verdict::Keep) {
      run.add(field.line);
    } else if (verdict == Verdict::Spoof) {
      ++spoofs;
    } else if (field.id == FieldId::Cookie && field.exact) {
      run.flush();
      append_cookie_line(x, field, out);
    } else if (field.id == FieldId::Host && field.exact) {
      run.flush();
      append_host(x, server, out);
    }
  }
  run.flush();
  if (spoofs != 0) {
    report_spoofs(x, spoofs);
  }
}

// Of a forwarding header that a trusted proxy passes on in several lines the last is its own: the
// others go. What has more names than these is no proxy's.
void keep_last_lines(RequestHead& head) {
  constexpr std::size_t kMostNames = 16;
  std::array<std::string_view, kMostNames> names;
  std::size_t count = 0;
  for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
    const bool forwarding = (traits_of(field->id) & kFromProxies) != 0;
    if (!forwarding || !field->exact || field->drop) {
      continue;
    }
    const auto known = names.begin() + static_cast<std::ptrdiff_t>(count);
    const bool again = std::any_of(names.begin(), known, [&field](std::string_view name) {
      return equals_ignoring_case(name, field->name);
    });
    field->drop = again || count == kMostNames;
    if (!field->drop) {
      names[count++] = field->name;
    }
  }
}

// The lines of a trusted proxy in one, and its own address behind them if it has one.
void append_forwarded_for(const Exchange& x, std::string& out) {
  const Peer& peer = x.client.peer;
  out.append("X-Forwarded-For: "sv);
  const std::size_t start = out.size();
  for (const Field& field : x.work.request.fields) {
    if (field.id == FieldId::XForwardedFor && field.exact && !field.value.empty()) {
      out.append(out.size() == start ? ""sv : ", "sv).append(field.value);
    }
  }
  if (!peer.is_unix) {
    out.append(out.size() == start ? ""sv : ", "sv).append(peer.text);
  } else if (out.size() == start) {
    out.append("unknown"sv);  // RFC 7239 6.2
  }
}

void append_forwarded(const Exchange& x, std::string& out) {
  const VisitedSite& site = x.site;
  if (x.client.peer.trusted) {
    append_forwarded_for(x, out);
    out.append("\r\nX-Forwarded-Proto: "sv).append(site.https ? "https"sv : "http"sv);
    out.append("\r\nX-Forwarded-Port: "sv);
  } else {
    out.append(x.client.peer.forwarded);
  }
  out.append(site.port_or_scheme());
  if (!site.host.empty()) {
    out.append("\r\nX-Forwarded-Host: "sv).append(site.host);
  }
  out.append("\r\n"sv);
}

void append_request_framing(const Exchange& x, std::string& out) {
  if (x.body.kind == BodyKind::Chunked) {
    out.append("Transfer-Encoding: chunked\r\n"sv);
  } else if (x.body.kind == BodyKind::Length) {
    out.append("Content-Length: "sv);
    append_number(x.body.length, out);
    out.append("\r\n"sv);
  }
}

}  // namespace

void append_backend_host(const Exchange& x, const ServerConfig& server, std::string& out) {
  const HostHeader& host = x.balancer->config().host;
  if (host.mode == HostHeader::Mode::Literal) {
    out.append(host.literal);
  } else if (host.mode == HostHeader::Mode::Preserve && !own_host(x).empty()) {
    out.append(own_host(x));
  } else {
    append_server_authority(server, out);
  }
}

void append_request_head(Exchange& x, const ServerConfig& server, std::string& out) {
  const bool traced = x.view->config().traceparent;
  if (traced) {
    trace_request(x);
  }
  if (x.client.peer.trusted) {
    keep_last_lines(x.work.request);
  }
  append_start_line(x, out);
  append_client_lines(x, server, out);
  if (!x.work.request.has(FieldId::Host)) {
    append_host(x, server, out);
  }
  append_forwarded(x, out);
  out.append("X-Request-Id: "sv).append(request_id(x)).append("\r\n"sv);
  if (traced) {
    append_trace_line(x, out);
  }
  append_request_framing(x, out);
  if (x.rules->moves_locations) {
    append_destination(x, server, out);
  }
  if (x.work.request.method == Method::Options) {
    append_max_forwards(x, out);
  }
  if (x.upgrade) {
    out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n"sv);
  } else if (x.wants_trailers) {
    out.append("Connection: TE\r\nTE: trailers\r\n"sv);
  }
  if (!x.rules->request_lines.empty()) {
    out.append(x.rules->request_lines);
  }
  out.append(x.client.peer.subject_line);
  const std::size_t headers_at = out.size();
  if (x.route->session) {
    inject_session(x, out);
  }
  if (const std::optional<Secret>& assertion = x.balancer->config().assertion) {
    inject_assertion(x, assertion->text, headers_at, out);
  }
  out.append("\r\n"sv);
}

}  // namespace keepsake
