// A reload reaches the workers one after the other. What the first of them seals with a new key,
// the last of them must open already.

#include <thread>

#include "config/load.hpp"
#include "routing/front.hpp"
#include "server/listening_sockets.hpp"
#include "server/worker.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::shared_ptr<const Snapshot> snapshot(const Backend& backend, std::string_view session) {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    return std::string{name == "OTHER_KEY" ? kOtherSecret : kSecret};
  };
  const std::string text = "listen: [{address: \"127.0.0.1:0\"}]\nbackends: {app: {servers: [\"" +
                           backend.url() + "\"]}}\nroutes: [{path: \"/*\", backend: app}]\n" +
                           "session: {" + std::string{session} + "}\nlog: {access: false}\n";
  Loaded loaded = load_config_text(text, "test.yaml", environment);
  REQUIRE(loaded.config);
  auto made = std::make_shared<Snapshot>(std::move(*loaded.config));
  std::string why;
  REQUIRE(make_certificates(made->config, nullptr, nullptr, made->certificates, why));
  return made;
}

// One worker on a thread of its own, which a test can leave in the middle of a reload.
class LoneWorker {
 public:
  explicit LoneWorker(const std::shared_ptr<const Snapshot>& used) : worker_(clock_, shared_, {}) {
    worker_.prepare(used);
    worker_.use_prepared(*used);
    std::string why;
    InheritedSockets none;
    const auto listening = listen_on(used->config, {}, {}, 1, none, why);
    REQUIRE(listening);
    port_ = listening->front().port;
    worker_.listen_on({ListenSpot{listening->front().sockets.front(), 0}});
    thread_ = std::thread{[this] { worker_.run(); }};
  }
  ~LoneWorker() {
    post([](Worker& worker) { worker.cut(); });
    thread_.join();
  }
  LoneWorker(const LoneWorker&) = delete;
  LoneWorker& operator=(const LoneWorker&) = delete;

  void post(const std::function<void(Worker&)>& job) {
    asio::post(worker_.io(), [this, job] { job(worker_); });
  }
  Link connect() const { return connect_to(port_); }
  const Worker& worker() const { return worker_; }

 private:
  ManualClock clock_;
  SharedCounts shared_;
  Worker worker_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

struct Visit {
  std::string name;
  std::string cookie;
};

Visit visit(const LoneWorker& worker, Backend& backend, const std::string& cookie) {
  Link client = worker.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
  Link link = backend.accept();
  Visit seen;
  seen.name = link.read_request().value("X-Session-Name");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  seen.cookie = client.read_response().set_cookie();
  return seen;
}

// A cookie of another worker, where a reload to this session block is done.
std::string cookie_of_another(const Backend& backend, const std::string& session) {
  Proxy other{
      "listen: [{address: \"127.0.0.1:0\"}]\nbackends: {app: {servers: [\"${BACKEND}\"]}}\n"
      "routes: [{path: /setName, set: {myName: name}}]\nsession: {" +
          session + "}\n",
      {{"BACKEND", backend.url()}}};
  return other
      .ask(
          "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
          "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
      .set_cookie();
}

}  // namespace

TEST_CASE("a worker that a reload has not reached opens what the others seal with its keys (S-21)",
          "[wire][reload]") {
  Backend backend;
  const auto old = snapshot(backend, "secrets: [{env: SESSION_KEY}]");
  const auto both = snapshot(backend, "secrets: [{env: OTHER_KEY}, {env: SESSION_KEY}]");
  const std::string cookie =
      cookie_of_another(backend, "secrets: [{env: OTHER_KEY}, {env: SESSION_KEY}]");
  LoneWorker worker{old};
  const Visit before = visit(worker, backend, cookie);
  CHECK(before.name == "(absent)");  // no reload is under way: a foreign key

  worker.post([both](Worker& w) { w.prepare(both); });
  const Visit during = visit(worker, backend, cookie);
  CHECK(during.name == "Ada");
  CHECK(during.cookie == "(absent)");
  CHECK(worker.worker().key_use().opened(both->keys->at(0).id) == 1);

  worker.post([both, old](Worker& w) {
    w.use_prepared(*old);  // a reload that was overtaken changes nothing
    w.use_prepared(*both);
  });
  const Visit after = visit(worker, backend, cookie);
  CHECK(after.name == "Ada");
  CHECK(after.cookie == "(absent)");
  CHECK(worker.worker().key_use().opened(both->keys->at(0).id) == 2);
  CHECK(worker.worker().key_use().opened(both->keys->at(1).id) == 0);
}

TEST_CASE("a worker that a reload has not reached opens what the others bind to a host or no more",
          "[wire][reload][bind_host]") {
  const std::string free = "secrets: [{env: SESSION_KEY}]";
  const std::string bound = free + ", cookie: {bind_host: true}";
  const bool binds = GENERATE(true, false);
  CAPTURE(binds);
  Backend backend;
  const auto old = snapshot(backend, binds ? free : bound);
  const auto fresh = snapshot(backend, binds ? bound : free);
  const std::string cookie = cookie_of_another(backend, binds ? bound : free);
  LoneWorker worker{old};
  CHECK(visit(worker, backend, cookie).name == "(absent)");  // no reload is under way
  worker.post([fresh](Worker& w) { w.prepare(fresh); });
  const Visit during = visit(worker, backend, cookie);
  CHECK(during.name == "Ada");
  CHECK(during.cookie == "(absent)");
  worker.post([fresh](Worker& w) { w.use_prepared(*fresh); });
  CHECK(visit(worker, backend, cookie).name == "Ada");
}
