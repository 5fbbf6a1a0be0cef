#include "admin/demo.hpp"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <ostream>
#include <thread>

#include "base/base64url.hpp"
#include "base/random.hpp"
#include "config/load.hpp"
#include "config/yaml_writer.hpp"
#include "demo-backend/server.hpp"

namespace keepsake {
namespace {

constexpr std::chrono::seconds kPatience{1};

constexpr std::string_view kTutorial = R"(
backends:
  app:
    servers: ["http://127.0.0.1:${BACKEND_PORT}"]
    writes_session: true
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName, X-Session-Counter: counter}
)";

}  // namespace

struct DemoBackend::Inside {
  asio::io_context io{1};
  demo::Server server;
  std::thread thread;

  Inside() : server(io, SocketAddress{SocketAddress::Kind::Tcp, "127.0.0.1", 0, ""}) {
    server.start();
    sigset_t all, old;
    sigfillset(&all);  // signals are the control thread's
    pthread_sigmask(SIG_SETMASK, &all, &old);
    thread = std::thread([this] { io.run(); });
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }
};

DemoBackend::DemoBackend() : inside_(std::make_unique<Inside>()) {}

DemoBackend::~DemoBackend() {
  asio::post(inside_->io, [&server = inside_->server] { server.stop(kPatience); });
  inside_->thread.join();
}

std::uint16_t DemoBackend::port() const {
  return inside_->server.address().port;
}

std::optional<Config> demo_config(const std::string& listen, std::uint16_t backend_port,
                                  std::ostream& err) {
  std::array<std::uint8_t, 32> key{};
  Random{}.fill(key);
  std::string secret;
  base64url_encode(key, secret);
  OPENSSL_cleanse(key.data(), key.size());

  Environment world;
  world.variable = [&](const std::string& name) -> std::optional<std::string> {
    return name == "SESSION_KEY" ? secret : std::to_string(backend_port);
  };
  world.read_file = [](const std::string&, std::string& error) -> std::optional<std::string> {
    error = "the demo reads no files";
    return std::nullopt;
  };
  const std::string text =
      "listen: [{address: " + yaml_quoted(listen) + "}]" + std::string{kTutorial};
  Loaded loaded = load_config_text(text, "--demo", world);
  OPENSSL_cleanse(secret.data(), secret.size());
  for (const Problem& problem : loaded.problems) {
    err << "keepsake: " << to_string(problem) << '\n';
  }
  return std::move(loaded.config);
}

}  // namespace keepsake
