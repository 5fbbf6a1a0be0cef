#include "exchange/check_request.hpp"

#include "exchange/answer_options.hpp"
#include "exchange/client_side.hpp"
#include "exchange/services.hpp"
#include "exchange/visited_site.hpp"
#include "http/chars.hpp"
#include "http/field_traits.hpp"

namespace keepsake {

namespace {

Fault read_target(Exchange& x) {
  RequestHead& head = x.work.request;
  if (head.method == Method::Connect || head.method == Method::Trace) {
    // CONNECT would make us an open proxy, TRACE would echo what we inject (RFC 9110 9.3.8).
    x.reply.allow = kAllMethods;
    return Fault::MethodNotAllowed;
  }
  const std::optional<Target> target = parse_target(head.method_text, head.target);
  if (!target) {
    return Fault::BadTarget;
  }
  x.target = *target;
  if (target->form == TargetForm::Asterisk) {
    x.path = target->path;
    return Fault::None;
  }
  const std::optional<std::string_view> path = normalise_path(target->path, x.work.path);
  if (!path) {
    return Fault::BadTarget;
  }
  x.path = *path;
  return Fault::None;
}

// Exactly one Host in HTTP/1.1, at most one in 1.0, where an empty one is none; an absolute-form
// target must name the same place (RFC 9112 3.2.2 would have Host ignored, which is where two
// parsers part).
Fault read_host(Exchange& x) {
  RequestHead& head = x.work.request;
  const auto without_host = [&x](Fault fault) {
    x.work.host.clear();
    x.work.host_source.clear();
    return fault;
  };
  const Field* host = nullptr;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Host && field.exact) {
      if (host != nullptr) {
        return without_host(Fault::BadHost);
      }
      host = &field;
    }
  }
  if (host != nullptr && host->value.empty() && head.minor == 0) {
    host = nullptr;
  }
  std::string_view authority = x.target.authority;
  if (host == nullptr) {
    if (head.minor == 1) {
      return without_host(Fault::BadHost);
    }
  } else if (authority.empty()) {
    authority = host->value;
  } else if (!authorities_match(authority, host->value, scheme_port(x.target.https))) {
    return without_host(Fault::BadHost);
  }
  if (host == nullptr && authority.empty()) {
    return without_host(Fault::None);
  }
  // Nearly every request of a connection names the host of the one before.
  if (!authority.empty() && authority == x.work.host_source) {
    return Fault::None;
  }
  const std::optional<HostPort> parsed = parse_host(authority);
  if (!parsed) {
    return without_host(Fault::BadHost);
  }
  x.work.host.clear();
  fold_host(parsed->host, x.work.host);
  x.work.host_source = authority;
  return Fault::None;
}

void drop_nominated(Head& head, std::string_view name) {
  for (Field& field : head.fields) {
    if (equals_ignoring_case(field.name, name) && (traits_of(field.id) & kNotNominable) == 0) {
      field.drop = true;
    }
  }
}

// Each is compared with every header line: names by the thousand are there for the comparing.
constexpr unsigned kMostNominated = 100;

bool asks_for_websocket(const RequestHead& head) {
  bool asks = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Upgrade && field.exact) {
      for_each_list_element(field.value, [&](std::string_view protocol) {
        asks = asks || equals_lower(protocol, "websocket");
      });
    }
  }
  return asks;
}

// Among several protocols on offer the choice is ours (RFC 9110 7.8): the backend hears of
// WebSocket alone. Whose bytes are whose after a handshake that has a body, nobody agrees on: it is
// refused whatever its method, its key or the length of that body; a length of 0 is no body.
Fault read_connection_options(Exchange& x) {
  RequestHead& head = x.work.request;
  x.client_keeps_alive = head.minor == 1;
  bool upgrade_option = false;
  unsigned nominated = 0;
  if (head.has(FieldId::Connection)) {
    for (std::size_t i = 0; i < head.fields.size(); ++i) {
      if (head.fields[i].id != FieldId::Connection || !head.fields[i].exact) {
        continue;
      }
      if (head.fields[i].value == "keep-alive") {  // what nearly every browser says
        x.client_keeps_alive = !x.client_closes;
        continue;
      }
      for_each_list_element(head.fields[i].value, [&](std::string_view option) {
        if (equals_lower(option, "close")) {
          x.client_keeps_alive = false;
          x.client_closes = true;
        } else if (equals_lower(option, "keep-alive")) {
          x.client_keeps_alive = !x.client_closes;
        } else if (equals_lower(option, "upgrade")) {
          upgrade_option = true;
        } else if (!equals_lower(option, "te") && ++nominated <= kMostNominated) {
          drop_nominated(head, option);
        }
      });
    }
  }
  if (nominated > kMostNominated) {
    x.note = "too many names in Connection";
    return Fault::BadRequest;
  }
  if (const Field* te = head.find(FieldId::Te)) {
    for_each_list_element(te->value, [&](std::string_view coding) {
      x.wants_trailers = x.wants_trailers || equals_lower(coding, "trailers");
    });
  }
  if (head.has(FieldId::Upgrade) && upgrade_option && head.minor == 1 && asks_for_websocket(head)) {
    if (!x.body_read) {
      return Fault::BadUpgrade;
    }
    x.body = {};
    x.upgrade = head.method == Method::Get && head.has(FieldId::SecWebSocketKey);
  }
  return Fault::None;
}

Fault read_framing(Exchange& x) {
  RequestHead& head = x.work.request;
  x.body = request_framing(head);
  measure_body(x);
  if (x.body.error != 0) {
    x.note = x.body.why;
    return x.body.error == 501 ? Fault::UnknownCoding : Fault::BadRequest;
  }
  x.chunks = ChunkReader{x.view->snapshot->request_limits};
  x.body_left = x.body.length;
  x.body_read =
      x.body.kind == BodyKind::None || (x.body.kind == BodyKind::Length && x.body_left == 0);
  return Fault::None;
}

Fault read_expectation(Exchange& x) {
  RequestHead& head = x.work.request;
  if (!head.has(FieldId::Expect)) {
    return Fault::None;
  }
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Expect && field.exact && !equals_lower(field.value, "100-continue")) {
      return Fault::BadExpectation;
    }
  }
  x.expects_continue = head.minor == 1 && !x.body_read;
  return Fault::None;
}

}  // namespace

Fault check_request(Exchange& x) {
  if (const Fault fault = read_framing(x); fault != Fault::None) {
    return fault;
  }
  if (const Fault fault = read_target(x); fault != Fault::None) {
    return fault;
  }
  if (const Fault fault = read_host(x); fault != Fault::None) {
    return fault;
  }
  find_visited_site(x);
  x.head_read = true;
  if (const Fault fault = read_connection_options(x); fault != Fault::None) {
    return fault;
  }
  if (const Fault fault = read_expectation(x); fault != Fault::None) {
    return fault;
  }
  return Fault::None;
}

}  // namespace keepsake
