// The end of the proxy: what is in flight finishes, what idles is closed, nothing new begins.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

TEST_CASE("a drain finishes what is in flight, closes what idles and accepts nothing",
          "[wire][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Link idle = proxy.connect();
  idle.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(idle.read_response().body == "ok");
  Link busy = proxy.connect();
  busy.send(kGet);
  link.read_request();

  proxy.drain();
  CHECK_THROWS(proxy.connect());
  proxy.advance(std::chrono::seconds{1});
  CHECK(idle.read_to_end().empty());
  link.send(kOk);
  const Message response = busy.read_response();
  CHECK(response.body == "ok");
  CHECK(response.value("Connection") == "close");
  CHECK(busy.read_to_end().empty());
  busy.close();
  CHECK(proxy.ended());
}

TEST_CASE("a request that comes as the drain begins is answered", "[wire][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Link kept = proxy.connect();
  kept.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(kept.read_response().body == "ok");
  Link fresh = proxy.connect();
  proxy.wait_until("it is accepted", [&] { return proxy.connections() == 2; });

  proxy.drain();
  CHECK_THROWS(proxy.connect());
  for (Link* client : {&kept, &fresh}) {
    client->send(kGet);
    link.read_request();
    link.send(kOk);
    const Message response = client->read_response();
    CHECK(response.body == "ok");
    CHECK(response.value("Connection") == "close");
    CHECK(client->read_to_end().empty());
    client->close();
  }
  CHECK(proxy.ended());
}

TEST_CASE("a drain takes whoever waits to be accepted", "[wire][drain]") {
  Backend backend;
  Proxy proxy{backend};
  std::vector<Link> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send("OPTIONS /setName HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  proxy.drain();
  for (Link& client : clients) {
    CHECK(client.read_response().status() == 405);
    client.close();
  }
  CHECK(proxy.ended());
}

TEST_CASE("a cut ends everything at once", "[wire][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Link waiting = proxy.connect();
  waiting.send(kGet);
  Link first = backend.accept();
  first.read_request();
  Link uploading = proxy.connect();
  uploading.send(post("Content-Length: 10\r\n", "hello"));
  Link second = backend.accept();
  second.read_until("hello");
  Link dripping = proxy.connect();
  dripping.send("GET / HT");
  Link relaying = proxy.connect();
  relaying.send(kGet);
  Link third = backend.accept();
  third.read_request();
  third.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  relaying.read_until("hello");

  proxy.drain();
  proxy.cut();
  CHECK(proxy.ended());
  CHECK(relaying.read_rest().reset);
  waiting.read_rest();
  uploading.read_rest();
  dripping.read_rest();
}

TEST_CASE("a cut does not wait for a backend that is being connected to", "[wire][drain]") {
  FullBackend backend;
  Proxy proxy{std::string{kTutorial} + "timeouts: {connect: 1m}\n", {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send(kGet);
  proxy.wait_until("it connects", [&] { return proxy.count(Counter::BackendConnects) == 1; });
  proxy.cut();
  CHECK(proxy.ended());
  CHECK(client.read_rest().bytes.empty());
}

TEST_CASE("a reload drops no connection and interrupts no exchange", "[wire][drain][reload]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send(kGet);
  Link link = backend.accept();
  link.read_request();
  const std::string config{kTutorial};
  const std::string long_path(64, 'x');
  proxy.reload(config + "limits: {target: 64B}\n");
  link.send(kOk);
  CHECK(client.read_response().body == "ok");
  // the same connection under the new configuration
  proxy.wait_until("the new limits hold", [&] {
    Link probe = proxy.connect();
    probe.send("GET /" + long_path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    if (link.readable(std::chrono::milliseconds{20})) {
      link.read_request();
      link.send(kOk);
    }
    return probe.read_response().status() == 414;
  });
  client.send("GET /" + long_path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().status() == 414);
}

TEST_CASE("a request that has come when the patience of a drain ends is answered",
          "[wire][drain]") {
  Backend backend;
  Proxy proxy{backend};
  Link kept = proxy.connect();
  kept.send(kGet);
  Link link = backend.accept();
  link.read_request();
  link.send(kOk);
  CHECK(kept.read_response().body == "ok");
  proxy.drain();
  proxy.advance(std::chrono::seconds{5}, [&] { kept.send(kGet); });
  link.read_request();
  link.send(kOk);
  const Message response = kept.read_response();
  CHECK(response.body == "ok");
  CHECK(response.value("Connection") == "close");
}
