#include "client/connection.hpp"

#include <unistd.h>

#include <array>

#include "client/close_connection.hpp"
#include "client/connections.hpp"
#include "client/http1_head.hpp"
#include "client/http2_connection.hpp"
#include "client/open_connection.hpp"
#include "exchange/exchange.hpp"
#include "exchange/run_exchange.hpp"
#include "io/tls.hpp"
#include "routing/front.hpp"

namespace keepsake {

namespace {

constexpr Millis kRefusalStall{2000};

// Enough for a burst; beyond it connections are closed without a word.
constexpr std::size_t kMostRefusals = 256;

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Content-Length: 54\r\nCache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    "{\"status\":503,\"title\":\"Too many connections at once\"}\n";

bool negotiated_http2(const Connection& c) {
  return c.stream.tls() != nullptr && c.stream.tls()->speaks_http2();
}

// Whether the client speaks HTTP/2: by ALPN over TLS, by prior knowledge else, which its first 24
// bytes show, in however many parts they come (RFC 9113 3.3, 3.4).
Task<bool> begins_with_preface(Connection& c) {
  if (c.stream.tls() != nullptr) {
    co_return negotiated_http2(c);
  }
  c.client.phase = Client::Phase::Reading;
  Buffer& in = c.client.workspace->in;
  const SteadyTime deadline = c.stream.in(c.client.view->config().timeouts.header);
  c.client.head_deadline = deadline;
  while (in.size() < kHttp2Preface.size() && kHttp2Preface.starts_with(in.bytes())) {
    const IoResult read = co_await c.stream.read_some(in.space(), in.space_size(), deadline);
    if (read.status != IoStatus::Ok) {
      co_return false;
    }
    in.commit(read.bytes);
  }
  co_return in.bytes().starts_with(kHttp2Preface);
}

}  // namespace

Connection::Connection(Connections& w, Peer p, std::weak_ptr<const ListeningSocket> s)
    : worker(w),
      stream(w.io(), w.streams()),
      peer(std::move(p)),
      socket(std::move(s)),
      client(w, stream, peer, stream.interrupted()) {
  client.authenticated = &authenticated;
  judge();
  worker.add(*this);
}

void Connection::take_view() {
  client.view = worker.view();
  judge();
}

// Of a listener that is no longer wanted the last configuration stays. The header with the subject
// of a client certificate goes if the new one does not know it: clients could send it themselves.
void Connection::judge() {
  const Front* front = worker.front_at(socket);
  judge_peer(peer, client.view->config(), front != nullptr ? &front->listen : nullptr);
  if (front != nullptr) {
    client.https_port = front->listen.redirect_to_https.value_or(0);
  }
  const std::string_view name =
      std::string_view{peer.subject_line}.substr(0, peer.subject_line.find(':'));
  if (!name.empty() && client.view->snapshot->names.find(name).id != FieldId::Injected) {
    peer.subject_line.clear();
  }
}

Connection::~Connection() {
  worker.remove(*this);
}

asio::mutable_buffer Connection::take() {
  if (!client.workspace) {
    client.workspace = worker.take_workspace();
  }
  Buffer& in = client.workspace->in;
  return {in.space(), in.space_size()};
}

void Connection::give_back() {
  worker.give_workspace(std::move(client.workspace));
}

Task<void> refuse_connection(Connections& worker, int fd, int family) {
  std::atomic<std::size_t>& refusing = worker.shared().refusing;
  Stream stream{worker.io(), worker.streams()};
  if (refusing.load(std::memory_order_relaxed) >= kMostRefusals || worker.draining() ||
      !stream.adopt(fd, family)) {
    ::close(fd);
    co_return;
  }
  refusing.fetch_add(1, std::memory_order_relaxed);
  if (co_await stream.write(kRefusalStall, kTooMany) == IoStatus::Ok) {
    std::array<char, 512> ignored{};
    co_await linger(stream, {ignored.data(), ignored.size()}, worker);
  }
  stream.close();
  refusing.fetch_sub(1, std::memory_order_relaxed);
}

Task<void> serve_connection(Connections& worker, int fd, int family, Peer peer,
                            std::weak_ptr<const ListeningSocket> socket, const Front& front,
                            [[maybe_unused]] std::shared_ptr<const View> keeps_front) {
  Connection connection{worker, std::move(peer), std::move(socket)};
  if (!connection.stream.adopt(fd, family)) {
    ::close(fd);
    co_return;
  }
  try {
    bool more = true;
    if (front.opens()) {
      more = co_await open_connection(connection, front);
    }
    // The exchange's frame exists only while there is a request: idle connections are many.
    more = more && (negotiated_http2(connection) || co_await wait_for_request(connection));
    const bool may_be = front.listen.http2 && !connection.client.plain_at_tls;
    if (more && may_be && co_await begins_with_preface(connection)) {
      co_await serve_http2(connection);
      more = false;
    }
    while (more) {
      more = co_await run_exchange(connection.client);
      more = more && co_await wait_for_request(connection);
    }
  } catch (const std::exception& error) {
    // Nothing on the data path throws but the allocator.
    log_within(worker.shared().lines.given_up, worker.streams().now(), spdlog::level::err,
               "a connection was given up: {}", error.what());
    connection.client.ending = Client::Ending::Abandon;
  }
  co_await close_connection(connection);
}

}  // namespace keepsake
