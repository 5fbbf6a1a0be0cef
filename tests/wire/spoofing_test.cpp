// Everything that Keepsake tells a backend is unforgeable: every name in every spelling, on every
// kind of route and exchange, whoever the visitor is.

#include <algorithm>
#include <cctype>
#include <random>

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const char* const kConfig = R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"], assertion: {secret: {env: OTHER_KEY}}}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName, X-Session-All: {all: json}, X-Session-Id: {id: true}, Who: {key: myName, encoding: raw}}
)";

const std::vector<std::string> kNames = {"X-Session-Name", "X-Session-All", "X-Session-Id", "Who",
                                         "X-Keepsake-Assertion"};

// Spellings that some backend takes for `name`: every token byte in place of a hyphen, any case.
std::vector<std::string> spellings(const std::string& name) {
  std::vector<std::string> all = {name};
  std::mt19937 chooser{7};
  for (const char other : std::string{"-_.!#$%&'*+^`|~"}) {
    std::string spelt = name;
    for (char& c : spelt) {
      if (c == '-' && chooser() % 3 != 0) {
        c = other;
      } else if (chooser() % 2 == 0) {
        c = static_cast<char>(std::isalpha(static_cast<unsigned char>(c)) ? c ^ 0x20 : c);
      }
    }
    all.push_back(spelt);
  }
  return all;
}

struct World {
  Backend backend;
  Proxy proxy{kConfig, {{"BACKEND", backend.url()}}};
  std::string cookie = proxy
                           .ask(
                               "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
                               "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n"
                               "name=Ada")
                           .set_cookie();
};

// Lower case, and every byte that is no letter or digit a hyphen: what the most careless backend
// compares.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(std::isalnum(byte) ? static_cast<char>(std::tolower(byte)) : '-');
  }
  return out;
}

// The values of all lines that the most careless backend takes for `name`.
std::vector<std::string> values_like(const Message& request, const std::string& name) {
  std::vector<std::string> found;
  for (const std::string& line : request.lines()) {
    if (folded(line.substr(0, line.find(':'))) == folded(name)) {
      found.push_back(line.substr(line.find(':') + 2));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("no spelling of an injected header reaches a backend, on no route, from no visitor (S-1)",
          "[wire][spoofing][http1]") {
  World world;
  const std::string target = GENERATE(std::string{"/"}, std::string{"/static/x"});
  const std::string visitor =
      GENERATE(std::string{"none"}, std::string{"bad"}, std::string{"good"});
  const std::string kind = GENERATE(std::string{"get"}, std::string{"upgrade"},
                                    std::string{"chunked"}, std::string{"expect"});
  CAPTURE(target, visitor, kind);
  std::string lines;
  std::uint64_t forged = 0;
  std::string nominated = "Connection: close";
  for (const std::string& name : kNames) {
    nominated += ", " + name;
    for (const std::string& spelt : spellings(name)) {
      if (forged++ % 2 == 0 || spelt == name) {  // a request has 100 lines at most
        lines += spelt + ": forged\r\n";
      }
    }
  }
  const std::uint64_t count =
      static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  if (visitor != "none") {
    lines += "Cookie: session=" + (visitor == "good" ? world.cookie : std::string{"bad"}) + "\r\n";
  }
  std::string body;
  if (kind == "upgrade") {
    lines += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n";
  } else {
    lines += nominated + "\r\n";
  }
  if (kind == "chunked" || kind == "expect") {
    lines += "Transfer-Encoding: chunked\r\n";
    body = "1\r\nx\r\n0\r\nX-Session-Name: forged\r\nx_session_id: forged\r\n\r\n";
  }
  if (kind == "expect") {
    lines += "Expect: 100-continue\r\n";
  }
  Link client = world.proxy.connect();
  client.send((kind == "upgrade" ? "GET " : "POST ") + target + " HTTP/1.1\r\nHost: a\r\n" + lines +
              "\r\n" + (kind == "expect" ? "" : body));
  Link link = world.backend.accept();
  const Message request = link.read_head();
  if (kind == "expect") {
    CHECK(client.read_response().status() == 100);
    client.send(body);
  }
  if (!body.empty()) {
    CHECK(link.read_until("0\r\n\r\n").find("forged") == std::string::npos);
  }
  CHECK(request.head.find("forged") == std::string::npos);
  const bool known = visitor == "good" && target == "/";
  for (const std::string& name : kNames) {
    CAPTURE(name);
    const std::vector<std::string> values = values_like(request, name);
    CHECK(values.size() == (known || name == "X-Keepsake-Assertion" ? 1U : 0U));
  }
  CHECK(request.value("X-Session-Name") == (known ? "Ada" : "(absent)"));
  CHECK(world.proxy.count(Counter::SpoofedHeaders) == count);
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  CHECK(world.proxy.log().find("127.0.0.1 sent " + std::to_string(count) + " headers that pose") !=
        std::string::npos);
  CHECK(world.proxy.log().find("forged") == std::string::npos);
}
