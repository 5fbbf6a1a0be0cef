// format: flask: what a Flask application keeps in the session that it shares with Keepsake stays
// as the application left it.

#include "session/flask_codec.hpp"
#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;  // of the manual clock

std::string config(std::string_view more = "") {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setCart, set: {cart: cart}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  format: flask
  )" + std::string{more} +
         "\n";
}

// An application with the same secret.
struct Application {
  FlaskCodec codec{std::make_shared<const KeyRing>(std::vector{std::string{kSecret}})};

  // A cookie with that JSON, of which `shown` is what Keepsake shows.
  std::string sign(std::string json,
                   const std::vector<std::pair<std::string, std::string>>& shown) {
    Session session;
    session.codec_state = std::move(json);
    for (const auto& [key, value] : shown) {
      session.set(key, value);
    }
    session.created = session.touched = kNow;
    std::string cookie;
    codec.seal(session, "", cookie);
    return cookie;
  }
  std::string read(const std::string& cookie) {
    Session session;
    REQUIRE(codec.open(cookie, "", session).status == OpenStatus::Ok);
    return session.codec_state;
  }
};

struct World {
  explicit World(std::string_view more = "") : proxy{config(more), {{"BACKEND", backend.url()}}} {}

  Message post(const std::string& path, const std::string& form, const std::string& cookie) const {
    return proxy.ask("POST " + path + " HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie +
                     "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                     std::to_string(form.size()) + "\r\n\r\n" + form);
  }
  Message visit(const std::string& cookie) {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return client.read_response();
  }

  Backend backend;
  Proxy proxy;
  Application application;
};

std::string attributes(const Message& response) {
  const std::string line = response.value("Set-Cookie");
  return line.substr(std::min(line.find(';'), line.size()));
}

}  // namespace

TEST_CASE("a session that an application made permanent outlives the browser, and no other does",
          "[wire][flask]") {
  World world{"flask: {permanent_lifetime: 7d}"};
  const std::string permanent = world.application.sign(R"({"_permanent":true,"myName":"Ada"})",
                                                       {{"_permanent", "true"}, {"myName", "Ada"}});
  const std::string usual = world.application.sign(R"({"_permanent":false,"myName":"Ada"})",
                                                   {{"_permanent", "false"}, {"myName", "Ada"}});
  CHECK(attributes(world.post("/setName", "name=Bob", permanent)) ==
        "; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Expires=Tue, 21 Nov 2023 22:13:20 GMT");
  CHECK(attributes(world.post("/setName", "name=Bob", usual)) ==
        "; Path=/; HttpOnly; SameSite=Lax");
  world.proxy.advance(61s);  // a touch
  const Message touched = world.visit(permanent);
  CHECK(attributes(touched) ==
        "; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Expires=Tue, 21 Nov 2023 22:14:21 GMT");
  CHECK(world.application.read(touched.set_cookie()) == R"({"_permanent":true,"myName":"Ada"})");
  CHECK(attributes(world.visit(usual)) == "; Path=/; HttpOnly; SameSite=Lax");
  CHECK(world.post("/reset", "", permanent).value("Set-Cookie") ==
        "session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; "
        "SameSite=Lax");
}

TEST_CASE("values that do not appear survive the last one that does", "[wire][flask]") {
  const std::string hidden =
      GENERATE(std::string{R"({"cart":null)"}, std::string{R"({"cart":"\ud83c")"});
  CAPTURE(hidden);
  World world;
  const std::string cookie =
      world.application.sign(hidden + R"(,"myName":"Ada"})", {{"myName", "Ada"}});
  const Message removed = world.post("/setName", "name=", cookie);
  REQUIRE(removed.set_cookie().size() > 20);
  CHECK(world.application.read(removed.set_cookie()) == hidden + "}");
}

TEST_CASE("an empty field removes its key, whatever the application kept there", "[wire][flask]") {
  const auto [json, shown] = GENERATE(table<std::string, std::string>({{"null", ""},
                                                                       {R"("\ud83c")", ""},
                                                                       {"[1,2]", "[1,2]"},
                                                                       {"7", "7"},
                                                                       {"false", "false"},
                                                                       {R"({" d":"x"})", "x"}}));
  CAPTURE(json);
  World world;
  std::vector<std::pair<std::string, std::string>> pairs{{"myName", "Ada"}};
  if (!shown.empty()) {
    pairs.emplace_back("cart", shown);
  }
  const std::string with_name =
      world.application.sign("{\"cart\":" + json + R"(,"myName":"Ada"})", pairs);
  const Message removed = world.post("/setCart", "cart=", with_name);
  CHECK(world.application.read(removed.set_cookie()) == R"({"myName":"Ada"})");
  const Message replaced = world.post("/setCart", "cart=new", with_name);
  CHECK(world.application.read(replaced.set_cookie()) == R"({"cart":"new","myName":"Ada"})");
  pairs.erase(pairs.begin());
  const std::string alone = world.application.sign("{\"cart\":" + json + "}", pairs);
  CHECK(world.post("/setCart", "cart=", alone).set_cookie().empty());
}
