#include "exchange/run_action.hpp"

#include <cstdlib>
#include <span>

#include "exchange/action_location.hpp"
#include "exchange/change_session.hpp"
#include "exchange/check_site.hpp"
#include "exchange/client_side.hpp"
#include "exchange/run_health.hpp"
#include "exchange/run_redirect.hpp"
#include "exchange/run_show.hpp"
#include "exchange/run_verify.hpp"
#include "exchange/services.hpp"
#include "http/error_page.hpp"
#include "http/form.hpp"
#include "http/json_form.hpp"
#include "http/page_load.hpp"
#include "http/prefetch.hpp"

namespace keepsake {

namespace {

Fault fault_of(FormError error) {
  switch (error) {
    case FormError::None:
      return Fault::None;
    case FormError::MissingField:
      return Fault::MissingField;
    default:
      return Fault::BadForm;
  }
}

bool is_json(const Exchange& x) {
  const Field* type = x.work.request.find(FieldId::ContentType);
  return type != nullptr && is_json_type(type->value);
}

// What was expected, where the configuration has it.
std::string expectation(const Exchange& x, Fault fault) {
  const Config& config = x.view->config();
  switch (fault) {
    case Fault::MissingField: {
      std::string fields;
      for (const SetField& field : x.route->set) {
        fields.append(fields.empty() ? "\"" : ", \"").append(field.field).append("\"");
      }
      return "The form needs: " + fields + ".";
    }
    case Fault::BadForm:
      return is_json(x) ? "The body must be one flat JSON object in UTF-8, with each name once and "
                          "without control characters."
                        : "";
    case Fault::BodyTooLarge:
      return "A form has at most " + std::to_string(x.rules->limits.form) + " bytes.";
    case Fault::ValueTooLarge:
      return "A value has at most " + std::to_string(config.session.max_value) + " bytes.";
    case Fault::TooManyValues:
      return "At most " + std::to_string(config.session.max_values) + " values are remembered.";
    case Fault::SessionTooLarge:
      return "All values together must fit into a cookie, which has at most 4096 bytes.";
    default:
      return {};
  }
}

// Reads the whole request body into `out`, at most `limit` bytes of it.
Task<Fault> read_whole_body(Exchange& x, ByteCount limit, std::string& out) {
  out.clear();
  if (x.body.kind == BodyKind::Length && x.body.length > limit) {
    co_return Fault::BodyTooLarge;
  }
  if (co_await invite_body(x) != IoStatus::Ok) {
    co_return Fault::ClientGone;
  }
  while (true) {
    const BodyPiece piece = co_await read_piece(x);
    if (piece.fault != Fault::None) {
      co_return piece.fault;
    }
    if (out.size() + piece.data.size() > limit) {
      co_return Fault::BodyTooLarge;
    }
    out.append(piece.data);
    if (piece.end) {
      co_return Fault::None;
    }
  }
}

// A form, in whichever way it is written.
struct Form {
  std::string_view body;
  bool json = false;

  FormError read(std::span<const std::string_view> wanted, std::vector<std::string>& values) const {
    return json ? read_json_form(body, wanted, values) : read_form(body, wanted, values);
  }
};

FormError read_pairs(const Form& form, const RouteConfig& route, std::vector<FormPair>& pairs) {
  std::vector<std::string_view> wanted;
  wanted.reserve(route.set.size());
  for (const SetField& field : route.set) {
    wanted.emplace_back(field.field);
  }
  std::vector<std::string> values;
  if (const FormError error = form.read(wanted, values); error != FormError::None) {
    return error;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    pairs.emplace_back(route.set[i].key, std::move(values[i]));
  }
  return FormError::None;
}

// The box "remember me". One that is not checked is missing in the form.
FormError read_box(const Form& form, const RememberConfig& remember, LifetimeChange& change) {
  const std::string_view field = remember.field;
  std::vector<std::string> values;
  const FormError error = form.read({&field, 1}, values);
  if (error == FormError::None && is_checked(values.front())) {
    change.lifetime = static_cast<std::uint32_t>(remember.lifetime.count());
  }
  return error == FormError::MissingField ? FormError::None : error;
}

Task<Fault> run_set(Exchange& x) {
  const Field* type = x.work.request.find(FieldId::ContentType);
  if (!is_json(x) && (type == nullptr || !is_form_type(type->value))) {
    co_return Fault::WrongMediaType;
  }
  if (const Fault fault = co_await read_whole_body(x, x.rules->limits.form, x.work.body);
      fault != Fault::None) {
    co_return fault;
  }
  const Form form{x.work.body, is_json(x)};
  ChangeTerms terms{true, x.route->renew};
  std::vector<FormPair> pairs;
  FormError error = read_pairs(form, *x.route, pairs);
  if (error == FormError::None && x.route->remember) {
    error = read_box(form, *x.route->remember, terms.lifetime.emplace());
  }
  if (error != FormError::None) {
    x.note = describe(error);
    co_return fault_of(error);
  }
  co_return co_await change_session(x, pairs, terms);
}

Task<Fault> run_clear(Exchange& x) {
  if (is_prefetch(x.work.request)) {
    co_return Fault::Prefetch;
  }
  if (const Fault fault = co_await read_whole_body(x, x.rules->limits.form, x.work.body);
      fault != Fault::None) {
    co_return fault;
  }
  co_return co_await end_session(x);
}

Task<Fault> run_kind(Exchange& x) {
  switch (x.route->kind) {
    case RouteConfig::Kind::Set:
      return run_set(x);
    case RouteConfig::Kind::Clear:
      return run_clear(x);
    default:
      std::abort();  // changes nothing
  }
}

// A script has no use for the page that a form leads to.
bool wants_no_page(const RequestHead& request) {
  return names_media_type(request, "application/json") && !names_media_type(request, "text/html");
}

void answer(Exchange& x) {
  const bool silent = wants_no_page(x.work.request);
  const unsigned status = silent ? 204 : 303;  // RFC 9110 15.4.4: see the result by GET
  x.reply.status = status;
  x.reply.reason = reason_phrase(status);
  x.reply.location = silent ? std::string_view{} : action_location(x);
  x.work.body.clear();
}

// Changes the session as the route says.
Task<Fault> change(Exchange& x) {
  if (const Fault fault = check_site(x); fault != Fault::None) {
    co_return fault;
  }
  const Fault fault = co_await run_kind(x);
  if (fault != Fault::None) {
    x.session.keep_cookie = x.session.keep_cookie || x.session.opened;  // the old session stands
    x.session.changed = false;
    x.reply.detail = expectation(x, fault);
    co_return fault;
  }
  answer(x);
  co_return Fault::None;
}

}  // namespace

Task<Fault> run_action(Exchange& x) {
  switch (x.route->kind) {
    case RouteConfig::Kind::Redirect:
      co_return run_redirect(x);
    case RouteConfig::Kind::Show:
      co_return run_show(x);
    case RouteConfig::Kind::Health:
      co_return run_health(x);
    case RouteConfig::Kind::Verify:
      co_return run_verify(x);
    case RouteConfig::Kind::Set:
    case RouteConfig::Kind::Clear:
    case RouteConfig::Kind::Backend:
      break;
  }
  co_return co_await change(x);
}

}  // namespace keepsake
