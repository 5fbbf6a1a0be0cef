// START READING HERE. One exchange from the first byte of its request to the last of its response:
// the steps in order, each in the file of its name. A step returns a Fault when the exchange cannot
// go on; fail_exchange turns that into the response that the remaining steps then send like any
// other.

#include "server/exchange.hpp"

#include <algorithm>
#include <array>

#include "http/request_id.hpp"
#include "server/attach_session.hpp"
#include "server/check_request.hpp"
#include "server/client_side.hpp"
#include "server/commit_session.hpp"
#include "server/fail_exchange.hpp"
#include "server/forward_request.hpp"
#include "server/guard_route.hpp"
#include "server/hold_session.hpp"
#include "server/log_access.hpp"
#include "server/match_route.hpp"
#include "server/redirect_to_https.hpp"
#include "server/relay_upgrade.hpp"
#include "server/run_action.hpp"
#include "server/worker.hpp"
#include "server/write_response.hpp"

namespace keepsake {

Task<bool> run_exchange(Client& client) {
  Exchange x{client, *client.workspace};

  Fault fault = co_await read_head(x);
  if (fault == Fault::None) {
    fault = check_request(x);
  }
  if (fault == Fault::None) {
    fault = wants_https(x)          ? redirect_to_https(x)
            : x.client.plain_at_tls ? Fault::PlainHttp
                                    : match_route(x);
  }
  if (fault == Fault::None && is_guarded(x)) {
    fault = guard_route(x);
  }
  if (fault == Fault::None && x.route != nullptr) {
    fault = co_await attach_session(x);
  }
  if (x.session.opened) {
    hold_session(x);
  }
  if (fault == Fault::None && is_session_guarded(x)) {
    fault = guard_session(x);
  }
  if (fault == Fault::None && x.route != nullptr) {
    if (x.route->kind == RouteConfig::Kind::Backend) {
      fault = co_await forward_request(x);
    } else {
      fault = co_await run_action(x);
    }
  }
  if (fault != Fault::None) {
    fail_exchange(x, fault);
  }
  if (x.tunnel) {
    co_await relay_upgrade(x);
  } else {
    co_await commit_session(x);
    co_await write_response(x);
    end_hold(x);
  }
  log_access(x);
  co_return x.keep_alive;
}

Exchange::Exchange(Client& from, Workspace& w)
    : client(from), work(w), worker(from.worker), view(from.view.get()) {
  rules = &view->snapshot->rules;
  started = worker.clock().steady();
  site.https = client.peer.https;
  work.request_id.clear();
  work.session_lines.clear();
  work.return_page.clear();
}

// The head was kept for the log; now its bytes go, and pipelined ones move up.
Exchange::~Exchange() {
  client.on_cut = nullptr;
  if (held_link != nullptr) {
    let_go(*this);
  }
  work.in.release_held();
}

namespace {

// Of several lines the last is the nearest proxy's.
const Field* given_request_id(const Exchange& x) {
  if (!x.client.peer.trusted || !x.head_read || !x.work.request.has(FieldId::XRequestId)) {
    return nullptr;
  }
  const std::vector<Field>& fields = x.work.request.fields;
  return &*std::find_if(fields.rbegin(), fields.rend(), [](const Field& field) {
    return field.id == FieldId::XRequestId && field.exact;
  });
}

}  // namespace

const std::string& request_id(Exchange& x) {
  std::string& id = x.work.request_id;
  if (id.empty()) {
    const Field* given = given_request_id(x);
    if (given != nullptr && valid_request_id(given->value)) {
      id = given->value;
    } else {
      std::array<std::uint8_t, 16> random{};
      x.worker.random().fill(random);
      append_request_id(random, id);
    }
  }
  return id;
}

}  // namespace keepsake
