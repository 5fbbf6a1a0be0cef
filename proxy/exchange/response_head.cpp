#include "exchange/response_head.hpp"

#include "exchange/line_run.hpp"
#include "exchange/move_locations.hpp"
#include "exchange/rewrite_head.hpp"
#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "http/cookie.hpp"
#include "http/field_traits.hpp"
#include "io/log.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// 426 names what the client is to upgrade to: the field is for the client (RFC 9110 15.5.22).
bool requires_upgrade(const ResponseHead& head) {
  return head.status == 426 && head.has(FieldId::Upgrade);
}

void drop_nominated(ResponseHead& head, std::string_view option) {
  for (Field& field : head.fields) {
    if ((traits_of(field.id) & kStaysWithResponse) == 0 &&
        equals_ignoring_case(field.name, option)) {
      field.drop = true;
    }
  }
}

bool is_ours(const Exchange& x, const Field& field) {
  const std::string& return_name = x.view->snapshot->return_name;
  const bool session = set_cookie_names(field.value, x.view->config().session.cookie.name);
  if (!session && (return_name.empty() || !set_cookie_names(field.value, return_name))) {
    return false;
  }
  x.services.metrics().add(Counter::DroppedSetCookies);
  if (x.services.shared().seldom.now(SeldomLine::DroppedSetCookie, x.services.clock().steady())) {
    const std::string& name = session ? x.view->config().session.cookie.name : return_name;
    log::warn(
        "backend {} sent a Set-Cookie with the session cookie's name, \"{}\": removed, and it does "
        "not get that cookie from browsers either. Give one of the two another name: "
        "session.cookie.name here, or the application's (Flask: SESSION_COOKIE_NAME)",
        x.balancer->config().name, name);
  }
  return true;
}

// What a backend says of the connection ends here, and so do the lines that it names; of which more
// than a hundred are there for the comparing.
class NominatedLines {
 public:
  explicit NominatedLines(ResponseHead& head) : head_(head) {}
  void drop_of(const Field& connection) {
    if (connection.value == "keep-alive"sv || connection.value == "close"sv) {
      return;  // what nearly every server says
    }
    for_each_list_element(connection.value, [this](std::string_view option) {
      if (!equals_lower(option, "close") && !equals_lower(option, "keep-alive") &&
          seen_++ < kMost) {
        drop_nominated(head_, option);
      }
    });
  }

 private:
  static constexpr unsigned kMost = 100;
  ResponseHead& head_;
  unsigned seen_ = 0;
};

// "HTTP/1.1" whatever the backend speaks; a missing reason gets its space (RFC 9112 4).
void append_status_line(const ResponseHead& head, std::string& out) {
  out.append("HTTP/1.1 "sv);
  std::string_view rest = head.start_line.substr(9);
  if (rest.size() == 5) {
    out.append(rest.substr(0, 3)).append(" \r\n"sv);
  } else {
    out.append(rest);
  }
}

}  // namespace

void mark_response_lines(Exchange& x) {
  ResponseHead& head = x.work.response;
  NominatedLines nominated{head};
  for (Field& field : head.fields) {
    const FieldTraits traits = traits_of(field.id);
    if ((traits & (kNotToClients | kJudgedToClients)) == 0) [[likely]] {
      continue;
    }
    if ((traits & kNotToClients) != 0) {
      field.drop = true;
    } else if (field.id == FieldId::SetCookie) {
      field.drop = field.exact && is_ours(x, field);
    } else if (field.id == FieldId::Connection) {
      field.drop = true;
      nominated.drop_of(field);
    } else if (field.id == FieldId::Upgrade) {
      field.drop = !requires_upgrade(head);
    } else {
      field.drop = !x.wants_trailers;  // Trailer
    }
  }
  if (!x.rules->response_names.empty()) {
    mark_rewritten_lines(x);
  }
  if (x.rules->moves_locations && (head.status >= 200 || head.status == 101)) {
    move_response_lines(x);
  }
}

void append_response_lines(const Exchange& x, std::string& out) {
  const ResponseHead& head = x.work.response;
  append_status_line(head, out);
  LineRun run{out};
  for (const Field& field : head.fields) {
    if (!field.drop) {
      run.add(field.line);
    }
  }
  run.flush();
  if (requires_upgrade(head)) [[unlikely]] {
    out.append("Connection: Upgrade\r\n"sv);  // goes with Upgrade (RFC 9110 7.8)
  }
  // A response without a date gets the time at which it was received (RFC 9110 6.6.1).
  if (!head.has(FieldId::Date) && head.status >= 200) {
    out.append(x.services.date_line());
  }
}

void append_interim_head(Exchange& x, std::string& out) {
  mark_response_lines(x);
  append_response_lines(x, out);
  out.append("\r\n"sv);
}

void append_switching_head(Exchange& x, std::string& out) {
  mark_response_lines(x);
  append_response_lines(x, out);
  out.append(x.rules->backend_lines).append(x.rules->lines).append(x.rules->caching_lines);
  if (x.rules->moves_locations) {
    out.append(x.work.moved_lines);
  }
  out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"sv);
}

}  // namespace keepsake
