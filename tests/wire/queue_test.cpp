// max_requests: what waits, how long, and who is turned away.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string limited(const std::string& servers, const std::string& queue) {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: [)" +
         servers + R"(], max_requests: 1, queue: )" + queue + R"(}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";
}

const std::string kOne = limited("\"${ONE}\"", "{size: 2, timeout: 1s}");

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string get(const std::string& path) {
  return "GET /" + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

// A client whose request waits in the queue as the n-th.
Link wait_in_queue(Proxy& proxy, const std::string& path, std::size_t n) {
  Link client = proxy.connect();
  client.send(get(path));
  proxy.wait_until("it waits", [&] { return proxy.queued() == n; });
  return client;
}

// The next request on the link that the proxy keeps.
std::string next_request(Link& link) {
  return link.read_request().start_line();
}

// A backend that has as many requests as it may: that of `first`, which came over `link`.
struct Busy {
  explicit Busy(const std::string& yaml = kOne) : proxy(yaml, {{"ONE", backend.url()}}) {
    first.send(get("1"));
    link = backend.accept();
    CHECK(next_request(link) == "GET /1 HTTP/1.1");
  }
  Backend backend;
  Proxy proxy;
  Link first = proxy.connect();
  Link link;
};

}  // namespace

TEST_CASE("what is above max_requests waits its turn, what is above the queue is refused",
          "[wire][queue]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  Link third = wait_in_queue(busy.proxy, "3", 2);
  Link refused = busy.proxy.connect();
  refused.send(get("4"));
  const Message answer = refused.read_response();
  CHECK(answer.status() == 503);
  CHECK(answer.value("Retry-After") == "1");
  CHECK(busy.proxy.log().find("proxy fault overloaded") != std::string::npos);
  CHECK_FALSE(busy.backend.has_connection());

  busy.link.send(kOk);
  CHECK(busy.first.read_response().body == "ok");
  CHECK(next_request(busy.link) == "GET /2 HTTP/1.1");
  busy.link.send(kOk);
  CHECK(second.read_response().body == "ok");
  CHECK(next_request(busy.link) == "GET /3 HTTP/1.1");
  busy.link.send(kOk);
  CHECK(third.read_response().body == "ok");
  CHECK(busy.proxy.queued() == 0);
  // The refused client's connection is fine.
  refused.send(get("5"));
  CHECK(next_request(busy.link) == "GET /5 HTTP/1.1");
  busy.link.send(kOk);
  CHECK(refused.read_response().body == "ok");
}

TEST_CASE("a queue of size 0 refuses at once", "[wire][queue]") {
  Busy busy{limited("\"${ONE}\"", "{size: 0, timeout: 1s}")};
  CHECK(busy.proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").status() ==
        503);
}

TEST_CASE("a request waits for queue.timeout at most", "[wire][queue]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  busy.proxy.advance(900ms);
  CHECK_FALSE(second.readable());
  busy.proxy.advance(200ms);
  const Message answer = second.read_response();
  CHECK(answer.status() == 503);
  CHECK(answer.value("Retry-After") == "1");
  CHECK(busy.proxy.queued() == 0);
  busy.link.send(kOk);
  CHECK(busy.first.read_response().body == "ok");
}

TEST_CASE("a client that goes away leaves the queue", "[wire][queue]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  Link third = wait_in_queue(busy.proxy, "3", 2);
  second.reset();
  busy.proxy.wait_until("it left", [&] { return busy.proxy.queued() == 1; });
  busy.link.send(kOk);
  CHECK(busy.first.read_response().body == "ok");
  CHECK(next_request(busy.link) == "GET /3 HTTP/1.1");
}

TEST_CASE("a client that only half-closes keeps its place in the queue", "[wire][queue]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  second.shutdown_write();
  Link third = wait_in_queue(busy.proxy, "3", 2);
  SECTION("and gets its answer") {
    busy.link.send(kOk);
    CHECK(next_request(busy.link) == "GET /2 HTTP/1.1");
    busy.link.send(kOk);
    CHECK(second.read_response().body == "ok");
    CHECK(next_request(busy.link) == "GET /3 HTTP/1.1");
  }
  SECTION("no longer than anybody else") {
    busy.proxy.advance(1100ms);
    CHECK(second.read_response().status() == 503);
    CHECK(busy.proxy.queued() == 0);
  }
}

TEST_CASE("another server takes what the first may not", "[wire][queue]") {
  Backend one, two;
  Proxy proxy{limited("\"${ONE}\", \"${TWO}\"", "{size: 0, timeout: 1s}"),
              {{"ONE", one.url()}, {"TWO", two.url()}}};
  std::vector<Link> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(get("x"));
  }
  Link first = one.accept();
  Link second = two.accept();
  CHECK(proxy.ask(get("3")).status() == 503);
  second.read_request();
  second.send(kOk);
  CHECK(clients[1].read_response().body == "ok");
  clients[1].send(get("4"));
  CHECK(next_request(second) == "GET /4 HTTP/1.1");
}

TEST_CASE("a place that a failed connect gives back goes to the next", "[wire][queue]") {
  FullBackend backend;
  Proxy proxy{limited("\"${ONE}\"", "{size: 2, timeout: 1m}") + "timeouts: {connect: 5s}\n",
              {{"ONE", backend.url()}}};
  Link first = proxy.connect();
  first.send(get("1"));
  proxy.wait_until("it connects", [&] { return proxy.count(Counter::BackendConnects) == 1; });
  Link second = wait_in_queue(proxy, "2", 1);
  proxy.advance_until(1s, [&] { return first.readable(); });
  CHECK(first.read_response().status() == 504);
  proxy.wait_until("the second connects",
                   [&] { return proxy.count(Counter::BackendConnects) == 2; });
  CHECK(proxy.queued() == 0);
}

TEST_CASE("a drain serves those who wait, a cut does not", "[wire][queue][drain]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  Link third = wait_in_queue(busy.proxy, "3", 2);
  busy.proxy.drain();
  busy.link.send(kOk);
  CHECK(busy.first.read_response().body == "ok");
  CHECK(next_request(busy.link) == "GET /2 HTTP/1.1");
  busy.link.send(kOk);
  CHECK(second.read_response().body == "ok");
  CHECK(next_request(busy.link) == "GET /3 HTTP/1.1");
  busy.proxy.cut();
  CHECK(busy.proxy.ended());
}

TEST_CASE("a cut ends what waits", "[wire][queue][drain]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  busy.proxy.cut();
  CHECK(busy.proxy.ended());
  CHECK(second.read_rest().bytes.empty());
}

TEST_CASE("a reload that lifts the limit lets everybody through", "[wire][queue][reload]") {
  Busy busy;
  Link second = wait_in_queue(busy.proxy, "2", 1);
  std::string lifted = kOne;
  lifted.replace(lifted.find("max_requests: 1"), 15, "max_requests: 2");
  busy.proxy.reload(lifted);
  Link other = busy.backend.accept();
  CHECK(next_request(other) == "GET /2 HTTP/1.1");
}
