#include "client/open_connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "client/connections.hpp"
#include "http/forwarded.hpp"
#include "http/proxy_protocol.hpp"
#include "http/value_encoding.hpp"
#include "io/log.hpp"
#include "io/tls.hpp"
#include "io/tls_listener.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kMostProxyHeader = 16 + kMaxProxyV2Payload;
// What the first read of a connection takes: a whole ClientHello mostly.
constexpr std::size_t kFirstRead = std::max<std::size_t>(kMostProxyHeader, 2048);
// A certificate may be signed and still name somebody at a length that no backend takes.
constexpr std::size_t kMostSubject = 2048;

void log_refusal(Connection& c, std::string_view what, std::string_view why) {
  warn_within(c.worker.shared().lines.closed, c.worker.streams().now(),
              "a connection from {} was closed: {}{}{}", c.peer.text, what, why.empty() ? "" : ": ",
              why);
}

// What of the connection's first bytes is not the header any more.
struct Rest {
  std::array<char, kFirstRead> bytes;
  std::size_t begin = 0, end = 0;
  std::string_view view() const { return {bytes.data() + begin, end - begin}; }
};

std::string_view word(IoStatus status) {
  return status == IoStatus::TimedOut ? "it did not come in time"
                                      : "the connection ended before it";
}

void take_over(Connection& c, const ProxyHeader& header) {
  Peer& peer = c.peer;
  if (header.has_addresses) {
    peer.source = Peer::Source::FromHeader;
    peer.address = header.source;
    peer.port = header.source_port;
    peer.is_unix = false;
  } else if (!header.local) {
    peer.source = Peer::Source::Unnamed;
  }
  peer.header_says_tls = header.tls;
  c.judge();
}

Task<bool> read_proxy_header(Connection& c, SteadyTime deadline, Rest& rest) {
  const Config& config = c.client.view->config();
  if (!c.peer.is_unix && !is_trusted(c.peer.address, config.trusted_proxies)) {
    log_refusal(c, "it is not in trusted_proxies, from which alone a PROXY header is believed", "");
    co_return false;
  }
  ProxyHeader header;
  while (true) {
    const IoResult read = co_await c.stream.read_some(rest.bytes.data() + rest.end,
                                                      rest.bytes.size() - rest.end, deadline);
    if (read.status != IoStatus::Ok) {
      log_refusal(c, "no PROXY header", word(read.status));
      co_return false;
    }
    rest.end += read.bytes;
    const ProxyParse parsed = parse_proxy_header({rest.bytes.data(), rest.end}, header);
    if (parsed == ProxyParse::Ok) {
      break;
    }
    if (parsed == ProxyParse::Bad) {
      log_refusal(c, "its PROXY header is missing or malformed", "");
      co_return false;
    }
  }
  rest.begin = header.size;
  take_over(c, header);
  co_return true;
}

// What backends learn of the client's certificate. False: it cannot be said.
bool read_subject(Connection& c) {
  const std::string subject = c.stream.tls()->client_subject();
  if (subject.size() > kMostSubject) {
    return false;
  }
  append_percent(subject, c.peer.subject);
  return true;
}

// TLS begins with a control byte (RFC 8446 5.1), a request with a letter of its method or an empty
// line.
bool is_plain_http(char first) {
  return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == '\r' ||
         first == '\n';
}

// The bytes that came already are the begin of the first request.
void keep(Connection& c, std::string_view bytes) {
  if (!bytes.empty()) {
    c.client.workspace = c.worker.take_workspace();
    std::memcpy(c.client.workspace->in.space(), bytes.data(), bytes.size());
    c.client.workspace->in.commit(bytes.size());
  }
}

Task<bool> shake_hands(Connection& c, const Front& front, SteadyTime deadline,
                       std::string_view early) {
  Metrics& metrics = c.worker.metrics();
  std::unique_ptr<Tls> tls = front.tls->accept(c.stream.fd());
  std::string why = "there is no memory for it";
  IoStatus status = IoStatus::Failed;
  if (tls) {
    static_assert(kFirstRead <= Tls::kLeastLanding);
    std::memcpy(tls->landing(nullptr, 0).data, early.data(), early.size());
    tls->feed(early.size());
    status = co_await c.stream.handshake(tls, deadline, why);
  }
  if (status != IoStatus::Ok) {
    metrics.add(Counter::TlsHandshakeFailures);
    if (!c.stream.interrupted()) {
      log::debug("the TLS handshake with {} failed: {}", c.peer.text, why);
    }
    co_return false;
  }
  metrics.add(Counter::TlsHandshakes);
  if (c.stream.tls()->resumed()) {
    metrics.add(Counter::TlsResumptions);
  }
  c.peer.tls = true;
  if (!front.listen.tls->client_ca.empty() && !read_subject(c)) {
    metrics.add(Counter::TlsHandshakeFailures);
    log_refusal(c, "the subject of its certificate is too long", "");
    co_return false;
  }
  c.judge();
  co_return true;
}

// A listener of https. Plain http is answered, not closed: a person who left out the https:// must
// be told.
Task<bool> secure(Connection& c, const Front& front, SteadyTime deadline, Rest& rest) {
  if (rest.view().empty()) {
    rest.begin = 0;
    const IoResult read =
        co_await c.stream.read_some(rest.bytes.data(), rest.bytes.size(), deadline);
    rest.end = read.bytes;
  }
  if (rest.view().empty()) {
    c.worker.metrics().add(Counter::TlsHandshakeFailures);
    co_return false;
  }
  if (is_plain_http(rest.view().front())) {
    c.worker.metrics().add(Counter::TlsHandshakeFailures);
    c.client.plain_at_tls = true;
    c.client.https_port = front.listen.redirect_to_https.value_or(0);
    keep(c, rest.view());
    co_return true;
  }
  co_return co_await shake_hands(c, front, deadline, rest.view());
}

}  // namespace

Task<bool> open_connection(Connection& c, const Front& front) {
  Connections& worker = c.worker;
  const Config& config = c.client.view->config();
  c.client.phase = Client::Phase::Opening;
  const SteadyTime deadline = c.stream.in(config.timeouts.handshake);
  Rest rest;
  if (front.listen.proxy_protocol) {
    const bool named = co_await read_proxy_header(c, deadline, rest);
    if (!named) {
      worker.metrics().add(Counter::ProxyHeadersRefused);
      co_return false;
    }
    if (!worker.admit_client(c.peer)) {
      worker.metrics().add(Counter::ConnectionsRefused);
      co_return false;
    }
  }
  if (!front.tls) {
    keep(c, rest.view());
    co_return true;
  }
  std::atomic<std::size_t>& in_progress = worker.shared().handshakes;
  bool open = in_progress.fetch_add(1, std::memory_order_relaxed) < config.limits.handshakes;
  if (open) {
    open = co_await secure(c, front, deadline, rest);
  } else {
    worker.metrics().add(Counter::TlsHandshakesRefused);
    if (worker.shared().seldom.now(SeldomLine::Handshakes, worker.clock().steady())) {
      log::warn("connections are refused: limits.handshakes ({}) are in progress",
                config.limits.handshakes);
    }
  }
  in_progress.fetch_sub(1, std::memory_order_relaxed);
  co_return open;
}

}  // namespace keepsake
