#include "exchange/forward_request.hpp"

#include "backend/authenticated_connections.hpp"
#include "exchange/answer_options.hpp"
#include "exchange/check_site.hpp"
#include "exchange/choose_server.hpp"
#include "exchange/client_side.hpp"
#include "exchange/read_response.hpp"
#include "exchange/relay_upload.hpp"
#include "exchange/request_head.hpp"
#include "exchange/rewrite_head.hpp"
#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "io/log.hpp"

namespace keepsake {

namespace {

// A body of at most this much that arrived with its head is sent in the same system call and can be
// sent again.
constexpr std::size_t kSmallBody = 32 * 1024;

bool idempotent(Method method) {
  switch (method) {
    case Method::Get:
    case Method::Head:
    case Method::Options:
    case Method::Put:
    case Method::Delete:
      return true;
    default:
      return false;
  }
}

// The part of the request body that is there already and completes it; empty otherwise.
std::string_view whole_small_body(const Exchange& x) {
  const bool whole = x.body.kind == BodyKind::Length && x.body_left > 0 &&
                     x.work.in.size() >= x.body_left && x.body_left <= kSmallBody;
  return whole ? x.work.in.bytes().substr(0, static_cast<std::size_t>(x.body_left))
               : std::string_view{};
}

// Out of descriptors, ports or memory: our own trouble, of which the server must not be accused.
bool is_ours(const error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory ||
         error == errc::address_not_available;
}

std::string reason_of(const ServerPool::Connected& failed) {
  if (!failed.tls_failure.empty()) {
    return "TLS: " + failed.tls_failure;
  }
  if (!failed.http2_failure.empty()) {
    return "no HTTP/2: " + failed.http2_failure + " (the backend has http2: true)";
  }
  return failed.error.message();
}

Task<Fault> make_link(Exchange& x, Slot& slot) {
  ServerPool& pool = slot.pool();
  ServerPool::Connected connected =
      co_await pool.connect(x.rules->timeouts.connect, x.client.on_cut);
  if (x.client.gone) {
    co_return Fault::ClientGone;
  }
  if (connected.itself) {
    warn_within(x.services.shared().lines.connect, x.services.streams().now(),
                "backend {}: {} is Keepsake itself: it listens there (request {})", pool.backend(),
                pool.url(), request_id(x));
    co_return Fault::Loop;
  }
  if (connected.error && is_ours(connected.error)) {
    warn_within(x.services.shared().lines.connect, x.services.streams().now(),
                "cannot connect to {} from here: {} (request {})", pool.url(),
                connected.error.message(), request_id(x));
    co_return Fault::Overloaded;
  }
  if (connected.error) {
    x.balancer->count_failure(pool, x.services.streams().now());
    const bool by_tls = !connected.tls_failure.empty();
    warn_within(x.services.shared().lines.connect, x.services.streams().now(),
                "cannot connect to {}: {} (request {})", pool.url(), reason_of(connected),
                request_id(x));
    if (by_tls) {
      co_return Fault::BackendTls;
    }
    co_return connected.error == asio::error::timed_out ? Fault::BackendConnectTimeout
                                                        : Fault::BackendUnreachable;
  }
  pool.count_success();
  x.lease = std::move(connected.lease);
  x.lease.hold(std::move(slot));
  co_return Fault::None;
}

// A request that cannot be repeated if its link turns out to be broken.
bool goes_once(const Exchange& x) {
  return !idempotent(x.work.request.method) || !x.body_read || x.upgrade;
}

// An idle link unless `fresh`, the client's own before others, else a new one. Before a request
// that goes once the kernel is asked whether the idle link still stands.
Task<Fault> borrow_link(Exchange& x, Slot& slot, bool fresh) {
  if (!fresh) {
    if (has_authenticated(x)) [[unlikely]] {
      x.lease = x.client.authenticated->take(slot.pool(), goes_once(x));
    }
    if (!x.lease) {
      x.lease = slot.pool().take_idle(goes_once(x));
    }
    if (x.lease) {
      x.lease.hold(std::move(slot));
      return Fault::None;
    }
  }
  return make_link(x, slot);
}

bool expect_tunnel(Exchange& x) {
  const Field* const key = x.work.request.find(FieldId::SecWebSocketKey);
  return x.lease->expect_tunnel(key != nullptr ? key->value : std::string_view{});
}

// One send and the wait for its answer.
Task<Attempt> attempt_on(Exchange& x, Slot& slot, bool fresh) {
  Attempt attempt;
  x.client.phase = Client::Phase::Waiting;
  const ServerPool& pool = slot.pool();
  attempt.fault = co_await borrow_link(x, slot, fresh);
  if (attempt.fault != Fault::None) {
    co_return attempt;
  }
  if (x.client.gone) {
    attempt.fault = Fault::ClientGone;  // while the connection was made
    co_return attempt;
  }
  x.client.on_cut = &*x.lease;
  if (x.upgrade && !expect_tunnel(x)) [[unlikely]] {
    x.note = "the server does not take WebSockets over HTTP/2 (RFC 8441)";
    attempt.sent = true;  // no other will
    attempt.fault = Fault::BackendBadResponse;
    co_return attempt;
  }
  std::string& out = x.work.out;
  out.clear();
  append_request_head(x, pool.server(), out);
  const std::string_view small_body = whole_small_body(x);
  const bool streams_body = !x.body_read && small_body.empty();
  const SteadyTime sent = x.services.clock().steady();
  const IoStatus written =
      co_await x.lease->send(x.rules->timeouts.write, out, small_body, !streams_body && !x.upgrade,
                             goes_once(x));
  attempt.sent = written != IoStatus::Interrupted || x.lease->interrupted();
  if (!attempt.sent) {
    x.services.metrics().add(Counter::BackendStale);
  }
  if (written != IoStatus::Ok) {
    attempt.fault = written == IoStatus::TimedOut ? Fault::BackendStalled : read_fault(x, written);
    attempt.refused = x.lease->refused();
    co_return attempt;
  }
  if (streams_body) {
    if (co_await invite_body(x) != IoStatus::Ok) {
      attempt.fault = Fault::ClientGone;
      co_return attempt;
    }
    start_upload(x);
  }
  attempt = co_await read_response(x, sent);
  if (attempt.fault == Fault::None && !small_body.empty()) {
    x.work.in.consume(small_body.size());
    x.body_left = 0;
    x.body_read = true;
  }
  co_return attempt;
}

// A second attempt is safe when nothing was sent, when the server says that it has not looked at
// the request (RFC 9113 8.7), or when the link broke before a single byte of an
// answer and the request may be repeated and still is whole in our hands (RFC 9110 9.2.2).
bool may_retry(const Exchange& x, const Attempt& attempt) {
  if (attempt.fault == Fault::ClientGone || attempt.answered || x.upload.began) {
    return false;
  }
  if (!attempt.sent || attempt.refused) {
    return true;
  }
  const bool whole = x.body_read || !whole_small_body(x).empty();
  return whole && attempt.fault == Fault::BackendClosed && idempotent(x.work.request.method);
}

// RFC 9110 9.2.1.
bool is_safe(Method method) {
  return method == Method::Get || method == Method::Head || method == Method::Options;
}

// Requests that pages of other sites must not make: a WebSocket with the visitor's session, and
// where the route says so every one that could change something.
bool is_for_own_pages(const Exchange& x) {
  return (x.upgrade && x.route->session) ||
         (x.route->refuses_cross_site && (x.upgrade || !is_safe(x.work.request.method)));
}

}  // namespace

Task<Fault> forward_request(Exchange& x) {
  if (is_for_own_pages(x)) {
    if (const Fault fault = check_site(x); fault != Fault::None) {
      co_return fault;
    }
  }
  if (x.work.request.method == Method::Options) {
    bool answered = false;
    if (const Fault fault = answer_options(x, answered); answered || fault != Fault::None) {
      co_return fault;
    }
  }
  if (x.rules->rewrites_target) {
    if (const Fault fault = rewrite_target(x); fault != Fault::None) {
      co_return fault;
    }
  }
  x.client.ends_with_bytes = x.route->abandon == RouteConfig::Abandon::End;
  x.balancer = x.view->backends[x.route->backend].get();
  Tried tried;
  Fault fault = Fault::NoServer;
  bool fresh = false;
  bool again = false;
  bool refused = false;
  for (unsigned attempts = 0; attempts < x.balancer->config().retry_attempts;) {
    Choice choice = choose_server(x, tried);
    if (refused && choice.verdict == Choice::Verdict::Tried) {
      choice = choose_server(x, Tried{});  // there is no other, and it may take it by now
    }
    if (choice.verdict == Choice::Verdict::Full) {
      if (const Fault waited = co_await wait_for_server(x, tried, choice); waited != Fault::None) {
        co_return waited;
      }
    }
    if (choice.verdict != Choice::Verdict::Server) {
      break;
    }
    if (again) {
      x.services.metrics().add(Counter::BackendRetries);
    }
    const ServerPool& pool = choice.slot.pool();
    x.server = &pool.server();
    const Attempt attempt = co_await attempt_on(x, choice.slot, fresh);
    fault = attempt.fault;
    if (fault == Fault::None) {
      co_return Fault::None;
    }
    const bool reused = x.lease && x.lease->reused;
    co_await finish_upload(x);
    x.client.on_cut = nullptr;
    x.lease.close();
    if (!may_retry(x, attempt)) {
      break;
    }
    fresh = true;
    if (attempt.sent || !reused) {
      ++attempts;  // a write that was called off was none; with a new link that cannot happen
    }
    refused = attempt.refused;
    if (!reused || refused) {
      tried.add(pool);  // a link that had idled says nothing of its server, a new one does
    }
    again = true;
  }
  co_return fault;
}

}  // namespace keepsake
