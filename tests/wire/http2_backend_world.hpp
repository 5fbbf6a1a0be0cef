#pragma once
// Keepsake in front of one backend that speaks HTTP/2.

#include <string>
#include <string_view>

#include "support/proxy.hpp"
#include "wire/http2_server.hpp"

namespace keepsake::test {

inline constexpr const char* kHttp2Backend = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], http2: true, writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
)";

struct Http2World {
  explicit Http2World(std::string_view more = "", std::string_view backend_keys = "")
      : proxy(config(more, backend_keys), {{"BACKEND", backend.url()}}) {}

  static std::string config(std::string_view more, std::string_view backend_keys) {
    std::string yaml = kHttp2Backend;
    yaml.insert(yaml.find(", writes_session"), backend_keys);
    return yaml.append(more);
  }
  Http2Server accept(const Http2Server::Settings& settings = {}) {
    return Http2Server{backend.accept(), settings};
  }

  Backend backend;
  Proxy proxy;
};

inline std::string get(std::string_view path, std::string_view lines = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a.example\r\n" + std::string{lines} +
         "\r\n";
}

}  // namespace keepsake::test
