// START READING HERE. One exchange from the first byte of its request to the last of its response:
// the steps in order, each in the file of its name. A step returns a Fault when the exchange cannot
// go on; fail_exchange turns that into the response that the remaining steps then send like any
// other.

#include "exchange/run_exchange.hpp"

#include "exchange/attach_session.hpp"
#include "exchange/check_request.hpp"
#include "exchange/client_side.hpp"
#include "exchange/commit_session.hpp"
#include "exchange/exchange.hpp"
#include "exchange/fail_exchange.hpp"
#include "exchange/forward_request.hpp"
#include "exchange/guard_route.hpp"
#include "exchange/hold_session.hpp"
#include "exchange/log_access.hpp"
#include "exchange/match_route.hpp"
#include "exchange/redirect_to_https.hpp"
#include "exchange/relay_upgrade.hpp"
#include "exchange/run_action.hpp"
#include "exchange/services.hpp"
#include "exchange/write_response.hpp"

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

}  // namespace keepsake
