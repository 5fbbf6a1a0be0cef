// How many connections, and what happens at the edge; descriptors that run out.

#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A connection over which one exchange has gone: the proxy knows it.
Link known(const Proxy& proxy, Backend& backend, Link& link) {
  Link client = proxy.connect();
  client.send(kGet);
  if (!link) {
    link = backend.accept();
  }
  link.read_request();
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  return client;
}

// The limit of descriptors as it was, whatever becomes of the test: all others need it.
struct KeepsLimit {
  KeepsLimit() { ::getrlimit(RLIMIT_NOFILE, &old); }
  ~KeepsLimit() { ::setrlimit(RLIMIT_NOFILE, &old); }
  KeepsLimit(const KeepsLimit&) = delete;
  KeepsLimit& operator=(const KeepsLimit&) = delete;
  rlimit old{};
};
}  // namespace

TEST_CASE("one connection above the limit is 503 and closed, and room made is room",
          "[wire][limits][http1]") {
  Backend backend;
  Proxy proxy{backend, "limits: {connections: 2}\n"};
  Link link;
  Link one = known(proxy, backend, link);
  Link two = known(proxy, backend, link);
  Link three = proxy.connect();
  const Message response = three.read_response();
  CHECK(response.status() == 503);
  CHECK(response.value("Connection") == "close");
  CHECK(response.has("Retry-After"));
  three.read_rest();
  one.close();
  proxy.wait_until("the first is gone", [&] { return proxy.connections() == 1; });
  known(proxy, backend, link);
  CHECK(proxy.count(Counter::ConnectionsRefused) == 1);
}

TEST_CASE("connections beyond a client's own limit are 503 and closed", "[wire][limits][http1]") {
  Backend backend;
  Proxy proxy{backend, "limits: {connections_per_client: 2}\n"};
  Link link;
  Link one = known(proxy, backend, link);
  Link two = known(proxy, backend, link);
  Link three = proxy.connect();
  CHECK(three.read_response().status() == 503);
  three.read_rest();
  one.close();
  proxy.wait_until("the first is gone", [&] { return proxy.connections() == 1; });
  known(proxy, backend, link);
}

TEST_CASE("a flood of connections is survived", "[wire][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {connections: 50}\n"};
  std::vector<Link> flood;
  for (int i = 0; i < 300; ++i) {
    flood.push_back(proxy.connect());
  }
  // All of them are seen before any is gone: one that came late would take the place of `known`.
  proxy.wait_until("all of the flood is seen", [&] {
    return proxy.count(Counter::ConnectionsAccepted) + proxy.count(Counter::ConnectionsRefused) >=
           300;
  });
  flood.clear();
  proxy.wait_until("the flood is over", [&] { return proxy.connections() == 0; });
  Link link;
  known(proxy, backend, link);
}

TEST_CASE("running out of descriptors stops accepting for a while and nothing else",
          "[wire][limits][descriptors]") {
  Backend backend;
  Proxy proxy{backend};
  Link link;
  Link before = known(proxy, backend, link);
  Link late = proxy.connect();  // made while there is room
  proxy.wait_until("it has its descriptor", [&] { return proxy.connections() == 2; });
  Link waiting;
  {
    // Everything that is left is taken away but one descriptor, and that one is for `waiting`.
    const KeepsLimit limit;
    rlimit low = limit.old;
    const int highest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    low.rlim_cur = static_cast<rlim_t>(highest) + 1;
    ::close(highest);
    std::vector<int> taken;
    ::setrlimit(RLIMIT_NOFILE, &low);
    waiting = proxy.connect();
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
      taken.push_back(fd);
    }
    waiting.send(kGet);
    proxy.wait_until("accepting fails",
                     [&] { return proxy.log().find("cannot accept") != std::string::npos; });
    before.send(kGet);
    link.read_request();
    link.send(kOk);
    CHECK(before.read_response().body == "ok");
    for (const int fd : taken) {
      ::close(fd);
    }
  }
  link.read_request();
  link.send(kOk);
  CHECK(waiting.read_response().body == "ok");
}

TEST_CASE("a link that cannot be made for want of descriptors is no fault of the server",
          "[wire][limits][descriptors]") {
  Backend backend;
  Proxy proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"], ejection: {failures: 1, for: 1h}}}\n"
      "routes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: SESSION_KEY}]}\n",
      {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("GET / HTTP/1.1\r\n");  // half a head: the connection is accepted and read
  proxy.wait_until("it is there", [&] { return proxy.connections() == 1; });
  const KeepsLimit limit;
  rlimit low = limit.old;
  const int highest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  low.rlim_cur = static_cast<rlim_t>(highest) + 1;
  ::close(highest);
  std::vector<int> taken;
  ::setrlimit(RLIMIT_NOFILE, &low);
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
    taken.push_back(fd);
  }
  client.send("Host: a\r\n\r\n");
  const Message response = client.read_response();
  ::setrlimit(RLIMIT_NOFILE, &limit.old);
  for (const int fd : taken) {
    ::close(fd);
  }
  CHECK(response.status() == 503);
  CHECK(response.has("Retry-After"));
  Link again = proxy.connect();
  again.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(again.read_response().body == "ok");
}

TEST_CASE("the limit of a head holds exactly, up to its maximum, and leaves room for the body",
          "[wire][limits][http1]") {
  constexpr std::size_t kLimit = 1024UL * 1024;
  Backend backend;
  Proxy proxy{backend, "limits: {header: 1MiB}\n"};
  Link link;
  const auto head_of = [](std::size_t size, std::string_view lines) {
    std::string head = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "X-Long: ";
    head.append(size - head.size() - 4, 'x').append("\r\n\r\n");
    return head;
  };
  const std::size_t size =
      GENERATE_REF(values<std::size_t>({60'000, 131'072, 140'000, 500'000, kLimit}));
  const bool chunked = GENERATE(false, true);
  CAPTURE(size, chunked);
  Link client = proxy.connect();
  const std::string request =
      head_of(size, chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 40000\r\n");
  const std::string body = chunked ? "9c40\r\n" + std::string(40'000, 'b') +
                                         "\r\n0\r\nX-Sum: " + std::string(kLimit - 100, 's') +
                                         "\r\n\r\n"
                                   : std::string(40'000, 'b');
  std::string got;
  const std::string all = request + body;
  for (std::size_t sent = 0; sent < all.size();) {
    sent += client.send_some(std::string_view{all}.substr(sent));
    if (!link && backend.has_connection()) {
      link = backend.accept();
    }
    if (link) {
      link.drain_into(got);
    }
  }
  if (!link) {
    link = backend.accept();
  }
  link.unread(got);
  const Message message = link.read_request();
  CHECK(message.value("X-Long").size() == size - (request.find("X-Long: ") + 8) - 4);
  CHECK((message.body == std::string(40'000, 'b')));
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  if (size == kLimit && !chunked) {
    Link above = proxy.connect();
    const std::string large = head_of(kLimit + 1, "Content-Length: 0\r\n");
    for (std::size_t sent = 0; sent < large.size();) {
      sent += above.send_some(std::string_view{large}.substr(sent));
    }
    CHECK(above.read_response().status() == 431);
  }
}

TEST_CASE("a limit of heads that a reload raises holds for pipelined requests too",
          "[wire][limits][http1]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(std::string{kGet} + "GET /second HTTP/1.1\r\nHost: a\r\n");
  Link link = backend.accept();
  link.read_request();
  proxy.reload(std::string{kTutorial} + "limits: {header: 1MiB}\n");
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  const std::string rest = "X-Long: " + std::string(200'000, 'x') + "\r\n\r\n";
  for (std::size_t sent = 0; sent < rest.size();) {
    sent += client.send_some(std::string_view{rest}.substr(sent));
  }
  CHECK(link.read_request().start_line() == "GET /second HTTP/1.1");
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
}
