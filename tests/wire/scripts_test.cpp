// What scripts of a page can do: actions with JSON, answers without a page, values that are shown.

#include "support/catch.hpp"
#include "wire/sign_in.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const std::string kRoutes =
    "  - {path: /set, set: {color: color, size: size}, redirect: /done}\n"
    "  - {path: /reset, clear: true, redirect: /}\n"
    "  - {path: /session, show: [color, user, \"q\\\"\"]}\n";

std::string post(const std::string& body, const std::string& lines = "",
                 const std::string& type = "application/json") {
  return "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: " + type + "\r\n" + lines +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct World {
  Backend backend;
  Proxy proxy{signing_in(kRoutes,
                         "  trusted_origins: [https://b.test]\n  cookie: {same_site: "
                         "none, secure: true}\n"),
              {{"BACKEND", backend.url()}}};
  std::string shown(const std::string& cookies) const {
    return proxy.ask(get("/session", cookie_line(cookies))).body;
  }
};

}  // namespace

TEST_CASE("an action takes a JSON object as a form", "[wire][script]") {
  const World world;
  const Message response =
      world.proxy.ask(post(R"({"color": "Zo\u00eb", "size": 1.50, "other": true})"));
  CHECK(response.status() == 303);
  CHECK(response.value("Location") == "/done");
  const std::string cookie = "session=" + response.set_cookie();
  CHECK(world.shown(cookie) == "{\"color\":\"Zo\\u00eb\"}\n");
  // null and "" remove.
  const Message removed =
      world.proxy.ask(post(R"({"color": null, "size": ""})", cookie_line(cookie)));
  CHECK(removed.value("Set-Cookie").find("session=; Max-Age=0") == 0);
}

TEST_CASE("a JSON body that is no flat object is refused and changes nothing", "[wire][script]") {
  const World world;
  const std::string cookie =
      "session=" + world.proxy.ask(post(R"({"color":"red","size":1})")).set_cookie();
  const auto [body, status] = GENERATE(table<std::string, unsigned>({
      {R"({"color":"a"})", 400},
      {R"({"color":"a","size":{}})", 400},
      {R"({"color":"a","size":1,"x":[]})", 400},
      {R"({"color":"a","size":NaN})", 400},
      {R"({"color":"a","size":1,"color":"b"})", 400},
      {R"({"color":"\ud800","size":1})", 400},
      {"{\"color\":\"\xff\",\"size\":1}", 400},
      {R"({"color":"\n","size":1})", 400},
      {R"(["color","size"])", 400},
      {"", 400},
      {R"({"color":")" + std::string(257, 'a') + R"(","size":1})", 413},
      {R"({"color":"a","size":1,"x":")" + std::string(8192, 'a') + R"("})", 413},
  }));
  CAPTURE(body);
  const Message response = world.proxy.ask(post(body, cookie_line(cookie)));
  CHECK(response.status() == status);
  CHECK_FALSE(response.has("Set-Cookie"));
  CHECK(world.shown(cookie) == "{\"color\":\"red\"}\n");
}

TEST_CASE("other media types are refused as ever", "[wire][script]") {
  const World world;
  for (const char* type : {"application/json; charset=utf-16", "text/json", "application/ld+json",
                           "multipart/form-data; boundary=x", "text/plain"}) {
    CAPTURE(type);
    CHECK(world.proxy.ask(post(R"({"color":"a","size":1})", "", type)).status() == 415);
  }
  CHECK(world.proxy.ask(post(R"({"color":"a","size":1})", "", "application/json; charset=UTF-8"))
            .status() == 303);
}

TEST_CASE("a client that wants JSON and no page gets 204", "[wire][script]") {
  const World world;
  const std::string accept = "Accept: application/json\r\n";
  const Message set = world.proxy.ask(post(R"({"color":"a","size":1})", accept));
  CHECK(set.status() == 204);
  CHECK_FALSE(set.has("Location"));
  CHECK_FALSE(set.has("Content-Length"));
  CHECK(set.value("Cache-Control") == "private, no-store");
  const std::string cookie = "session=" + set.set_cookie();
  CHECK(world.proxy.ask(post("color=a&size=1", accept, "application/x-www-form-urlencoded"))
            .status() == 204);
  CHECK(world.proxy.ask(get("/reset", accept + cookie_line(cookie))).status() == 204);
  for (const std::string other : {"Accept: application/json, text/html\r\n", "Accept: */*\r\n", "",
                                  "Accept: application/json;q=0\r\n"}) {
    CAPTURE(other);
    CHECK(world.proxy.ask(post(R"({"color":"a","size":1})", other)).status() == 303);
  }
  // A refusal stays one.
  CHECK(world.proxy.ask(post("{}", accept)).status() == 400);
}

TEST_CASE("show tells the listed keys that have a value", "[wire][script]") {
  World world;
  const std::string cookie =
      sign_in(world.proxy, world.backend, "user=%22%3C%2Fscript%3E&color=red&secret=x");
  const Message response = world.proxy.ask(get("/session", cookie_line(cookie)));
  CHECK(response.status() == 200);
  CHECK(response.body == R"({"color":"red","user":"\"</script>"})"
                         "\n");
  CHECK(response.value("Content-Type") == "application/json");
  CHECK(response.value("Cache-Control") == "private, no-store");
  CHECK(response.value("Cross-Origin-Resource-Policy") == "same-origin");
  CHECK(response.value("Vary") == "Cookie");
  CHECK(world.shown("") == "{}\n");
  CHECK(world.shown("session=forged") == "{}\n");
  Link client = world.proxy.connect();
  client.send("HEAD /session HTTP/1.1\r\nHost: a\r\n" + cookie_line(cookie) + "\r\n");
  const Message head = client.read_response(true);
  CHECK(head.status() == 200);
  CHECK(head.value("Content-Length") == std::to_string(response.body.size()));
}

TEST_CASE("show answers this origin alone", "[wire][script]") {
  const World world;
  for (const std::string lines :
       {"Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: cross-site\r\n",
        "Origin: http://evil.example\r\n", "Origin: null\r\n", "Referer: http://evil.example/\r\n",
        "Origin: https://b.test\r\nSec-Fetch-Site: cross-site\r\n", "Origin: https://b.test\r\n"}) {
    CAPTURE(lines);
    CHECK(world.proxy.ask(get("/session", lines)).status() == 403);
  }
  for (const std::string lines :
       {"Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n", "Referer: http://a/x\r\n"}) {
    CAPTURE(lines);
    CHECK(world.proxy.ask(get("/session", lines)).status() == 200);
  }
}

TEST_CASE("show takes GET and HEAD, others go on to the next route", "[wire][script]") {
  World world;
  CHECK(pass(world.proxy, world.backend,
             "POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .response.status() == 200);
}
