#include "process/demo_config.hpp"

#include <openssl/crypto.h>

#include <array>

#include "base/base64url.hpp"
#include "base/random.hpp"
#include "config/yaml_writer.hpp"

namespace keepsake {
namespace {

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
log: {access: false}
)";

}  // namespace

Loaded demo_config(const std::string& listen, std::uint16_t backend_port) {
  std::array<std::uint8_t, 32> key{};
  Random{}.fill(key);
  std::string secret;
  base64url_encode(key, secret);
  OPENSSL_cleanse(key.data(), key.size());

  Environment world;
  world.variable = [&](const std::string& name) -> std::optional<std::string> {
    return name == "SESSION_KEY" ? secret : std::to_string(backend_port);
  };
  world.read_file = [](const std::string&, FileError& error) -> std::optional<std::string> {
    error.why = "the demo reads no files";
    return std::nullopt;
  };
  Loaded loaded = load_config_text(
      "listen: [{address: " + yaml_quoted(listen) + "}]" + std::string{kTutorial}, "--demo", world);
  OPENSSL_cleanse(secret.data(), secret.size());
  return loaded;
}

}  // namespace keepsake
