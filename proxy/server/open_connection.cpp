#include "server/open_connection.hpp"

#include <array>
#include <cstring>

#include "base/log.hpp"
#include "base/tls.hpp"
#include "base/tls_listener.hpp"
#include "http/forwarded.hpp"
#include "http/proxy_protocol.hpp"
#include "http/value_encoding.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kMostProxyHeader = 16 + kMaxProxyV2Payload;
// A certificate may be signed and still name somebody at a length that no backend takes.
constexpr std::size_t kMostSubject = 2048;

// Anybody can cause these lines: one in ten seconds and worker, with the number of those left out.
void log_refusal(Connection& c, std::string_view what, std::string_view why) {
  constexpr std::chrono::seconds kPause{10};
  static thread_local SteadyTime next{};
  static thread_local std::uint64_t left_out = 0;
  const SteadyTime now = c.worker.streams().now();
  if (now < next) {
    ++left_out;
    return;
  }
  next = now + kPause;
  log::warn("a connection from {} was closed: {}{}{}{}", c.peer.text, what, why.empty() ? "" : ": ",
            why, left_out == 0 ? "" : fmt::format(" ({} more were not logged)", left_out));
  left_out = 0;
}

// What of the connection's first bytes is not the header any more.
struct Rest {
  std::array<char, kMostProxyHeader> bytes{};
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
    peer.address = header.source;
    peer.port = header.source_port;
    peer.local_port = header.destination_port;
    peer.is_unix = false;
    peer.trusted = is_trusted(peer.address, c.client.view->config().trusted_proxies);
  } else {
    // The balancer itself, or somebody behind it whom it does not name: not one to be believed.
    peer.trusted = peer.trusted && header.local;
  }
  describe(peer);
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

// The header by which backends learn who the client's certificate names. False: it cannot be said.
bool read_subject(Connection& c, const ListenTls& config) {
  const std::string subject = c.stream.tls()->client_subject();
  if (subject.size() > kMostSubject) {
    return false;
  }
  if (!subject.empty()) {
    std::string& line = c.peer.subject_line;
    line.assign(config.client_subject_header).append(": ");
    append_percent(subject, line);
    line.append("\r\n");
  }
  return true;
}

Task<bool> secure(Connection& c, const Front& front, SteadyTime deadline, std::string_view early) {
  Metrics& metrics = c.worker.metrics();
  std::unique_ptr<Tls> tls = front.tls->accept(c.stream.fd());
  std::string why = "there is no memory for it";
  IoStatus status = IoStatus::Failed;
  if (tls) {
    if (!early.empty()) {
      std::memcpy(tls->landing(nullptr, 0).data, early.data(), early.size());
      tls->feed(early.size());
    }
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
  describe(c.peer);
  if (!front.listen.tls->client_ca.empty() && !read_subject(c, *front.listen.tls)) {
    metrics.add(Counter::TlsHandshakeFailures);
    log_refusal(c, "the subject of its certificate is too long", "");
    co_return false;
  }
  co_return true;
}

}  // namespace

Task<bool> open_connection(Connection& c, const Front& front) {
  Worker& worker = c.worker;
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
    if (!rest.view().empty()) {
      c.client.workspace = worker.take_workspace();
      std::memcpy(c.client.workspace->in.space(), rest.view().data(), rest.view().size());
      c.client.workspace->in.commit(rest.view().size());
    }
    co_return true;
  }
  std::atomic<std::size_t>& in_progress = worker.shared().handshakes;
  bool open = in_progress.fetch_add(1, std::memory_order_relaxed) < config.limits.handshakes;
  if (open) {
    open = co_await secure(c, front, deadline, rest.view());
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
