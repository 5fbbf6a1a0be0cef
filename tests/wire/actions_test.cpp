// The `set` and `clear` actions and every refusal of theirs; after each the old session stands.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

std::string set(std::string_view form, std::string_view lines = kForm,
                std::string_view path = "/setName") {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: a.example\r\n" + std::string{lines} +
         "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n" + std::string{form};
}

std::string with_cookie(std::string request, const std::string& cookie) {
  return request.insert(request.find("\r\n") + 2, "Cookie: session=" + cookie + "\r\n");
}

// What the backend gets as X-Session-Name from a visitor with this cookie.
std::string name_in(const Proxy& proxy, Backend& backend, const std::string& cookie) {
  Link client = proxy.connect();
  client.send(with_cookie("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", cookie));
  Link link = backend.accept();
  const std::string name = link.read_request().value("X-Session-Name");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  client.read_response();
  return name;
}

std::string get(std::string_view path, std::string_view lines = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a.example\r\n" + std::string{lines} +
         "\r\n";
}

}  // namespace

TEST_CASE("names of every kind survive the way through form, cookie and header",
          "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::pair<std::string, std::string> names[] = {
      {"name=Ada", "Ada"},
      {"name=Zo%C3%AB", "Zo%C3%AB"},
      {"name=%F0%9F%98%80", "%F0%9F%98%80"},
      {"name=%20%20", "%20%20"},
      {"name=a++b", "a%20%20b"},
      {"name=a%2Bb", "a%2Bb"},
      {"other=x&name=Ada&more=y", "Ada"},
      {"name=first&name=second", "first"},
      {"n%61me=Ada", "Ada"},
      {"name=" + std::string(256, 'x'), std::string(256, 'x')},
  };
  for (const auto& [form, name] : names) {
    CAPTURE(form);
    const Message response = proxy.ask(set(form));
    CHECK(response.status() == 303);
    CHECK(name_in(proxy, backend, response.set_cookie()) == name);
  }
}

TEST_CASE("what a set action refuses leaves the session as it was", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = proxy.ask(set("name=Ada")).set_cookie();
  struct Refusal {
    std::string request;
    unsigned status;
  };
  const std::string too_big = "name=" + std::string(8 * 1024, 'x');
  const Refusal refusals[] = {
      {set("{}", "Content-Type: application/json\r\n"), 400},
      {set("<name/>", "Content-Type: application/xml\r\n"), 415},
      {set("name=x", ""), 415},
      {set("name=x", "Content-Type: application/x-www-form-urlencoded; charset=latin1\r\n"), 415},
      {set("name=x", "Content-Type: multipart/form-data; boundary=x\r\n"), 415},
      {set("other=x"), 400},
      {set(""), 400},
      {set("name=%zz"), 400},
      {set("name=%"), 400},
      {set("name=%ff"), 400},
      {set("name=a%0d%0aX:%20y"), 400},
      {set("name=%00"), 400},
      {set("name=%7f"), 400},
      {set("name=" + std::string(257, 'x')), 413},
      {set(too_big), 413},
      {set("name=x", std::string{kForm} + "Sec-Fetch-Site: cross-site\r\n"), 403},
      {set("name=x", std::string{kForm} + "Sec-Fetch-Site: same-site\r\n"), 403},
      {set("name=x", std::string{kForm} + "Origin: null\r\n"), 403},
      {set("name=x", std::string{kForm} + "Origin: http://b.example\r\n"), 403},
      {set("name=x", std::string{kForm} + "Referer: http://b.example/\r\n"), 403},
      {get("/setName"), 405},
      {"HEAD /setName HTTP/1.1\r\nHost: a.example\r\n\r\n", 405},
      {"OPTIONS /setName HTTP/1.1\r\nHost: a.example\r\n\r\n", 405},
      {get("/reset", "Sec-Fetch-Site: cross-site\r\n"), 403},
      {get("/reset", "Sec-Purpose: prefetch\r\n"), 403},
      {get("/reset", "Sec-Purpose: prefetch;prerender\r\n"), 403},
      {"DELETE /reset HTTP/1.1\r\nHost: a.example\r\n\r\n", 405},
  };
  for (const Refusal& refusal : refusals) {
    CAPTURE(escaped(refusal.request.substr(0, 300)));
    const Message response = proxy.ask(with_cookie(refusal.request, cookie));
    CHECK(response.status() == refusal.status);
    CHECK_FALSE(response.has("Set-Cookie"));
    CHECK(response.value("Cache-Control") == "no-store");
  }
  CHECK_FALSE(backend.has_connection());
  CHECK(name_in(proxy, backend, cookie) == "Ada");
}

TEST_CASE("a wrong method on an action is told the right ones", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(proxy.ask(get("/setName")).value("Allow") == "POST");
  CHECK(proxy.ask("PUT /reset HTTP/1.1\r\nHost: a\r\n\r\n").value("Allow") == "GET, POST");
}

TEST_CASE("which spellings of a path reach an action", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* path : {"/setName", "/setName?x=y", "/%73etName", "/a/../setName", "/./setName",
                           "/%73%65tName", "/x/%2e%2e/setName"}) {
    CAPTURE(path);
    CHECK(proxy.ask(set("name=Ada", kForm, path)).status() == 303);
  }
  for (const char* path : {"//setName", "/setName/", "/setname", "/setName%2f", "/setName;x",
                           "/setName%3fx", "/setName."}) {
    CAPTURE(path);
    Link client = proxy.connect();
    client.send(set("name=Ada", kForm, path));
    Link link = backend.accept();
    CHECK(link.read_request().start_line() == "POST " + std::string{path} + " HTTP/1.1");
  }
}

TEST_CASE("requests of the same site and of programs pass the cross-site test", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* line : {"", "Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n",
                           "Origin: http://a.example\r\n", "Referer: http://a.example/form?x\r\n",
                           "Sec-Fetch-Site: same-origin\r\nOrigin: http://b.example\r\n"}) {
    CAPTURE(line);
    CHECK(proxy.ask(set("name=Ada", std::string{kForm} + line)).status() == 303);
    CHECK(proxy.ask(get("/reset", line)).status() == 303);
  }
}

TEST_CASE("setting the value that is there sets no cookie", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = proxy.ask(set("name=Ada")).set_cookie();
  const Message again = proxy.ask(with_cookie(set("name=Ada"), cookie));
  CHECK(again.status() == 303);
  CHECK_FALSE(again.has("Set-Cookie"));
  CHECK(again.value("Cache-Control") == "no-store");
  const Message other = proxy.ask(with_cookie(set("name=Bob"), cookie));
  CHECK(name_in(proxy, backend, other.set_cookie()) == "Bob");
}

TEST_CASE("an empty value removes the key, and the last one the cookie", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = proxy.ask(set("name=Ada")).set_cookie();
  const Message removed = proxy.ask(with_cookie(set("name="), cookie));
  CHECK(removed.status() == 303);
  CHECK(removed.value("Set-Cookie") ==
        "session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; "
        "SameSite=Lax");
  const Message nothing = proxy.ask(set("name="));
  CHECK(nothing.status() == 303);
  CHECK_FALSE(nothing.has("Set-Cookie"));
}

TEST_CASE("a reset clears the cookie, and without one does nothing", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string cookie = proxy.ask(set("name=Ada")).set_cookie();
  const Message cleared = proxy.ask(with_cookie(get("/reset"), cookie));
  CHECK(cleared.status() == 303);
  CHECK(cleared.value("Location") == "/");
  CHECK(cleared.set_cookie().empty());
  CHECK(cleared.value("Cache-Control") == "private, no-store");
  const Message nothing = proxy.ask(get("/reset"));
  CHECK(nothing.status() == 303);
  CHECK_FALSE(nothing.has("Set-Cookie"));
  const Message post = proxy.ask(
      with_cookie("POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx=y", cookie));
  CHECK(post.status() == 303);
  CHECK(post.set_cookie().empty());
}

TEST_CASE("several mappings are all or nothing, and keys and bytes are counted",
          "[wire][actions][limits]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /two, set: {a: x, b: "y"}, redirect: /}
  - {path: /c, set: {c: x}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: a}, max_values: 2, max_value: 3000B}
limits: {form: 64KiB}
)",
              {{"BACKEND", backend.url()}}};
  CHECK(proxy.ask(set("x=1", kForm, "/two")).status() == 400);
  const Message two = proxy.ask(set("x=1&y=2", kForm, "/two"));
  CHECK(two.status() == 303);
  CHECK(name_in(proxy, backend, two.set_cookie()) == "1");
  CHECK(proxy.ask(with_cookie(set("x=3", kForm, "/c"), two.set_cookie())).status() == 413);
  const std::string big(2000, 'z');
  CHECK(proxy.ask(set("x=" + big + "&y=" + big, kForm, "/two")).status() == 413);
  const Message largest = proxy.ask(set("x=" + std::string(2960, 'z') + "&y=2", kForm, "/two"));
  CHECK(largest.status() == 303);
  CHECK(largest.set_cookie().size() + 7 <= 4096);
  // as a session with one key fewer, "c" fits again
  const Message one = proxy.ask(with_cookie(set("x=&y=2", kForm, "/two"), two.set_cookie()));
  CHECK(proxy.ask(with_cookie(set("x=3", kForm, "/c"), one.set_cookie())).status() == 303);
}

TEST_CASE("a form at the limit passes and one byte more is refused", "[wire][actions][limits]") {
  Backend backend;
  Proxy proxy{backend, "limits: {form: 64B}\n"};
  const std::string fits = "name=Ada&x=" + std::string(53, 'x');
  REQUIRE(fits.size() == 64);
  CHECK(proxy.ask(set(fits)).status() == 303);
  CHECK(proxy.ask(set(fits + "x")).status() == 413);
  const auto chunked = [](const std::string& form) {
    std::string request = "POST /setName HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" +
                          std::string{kForm} + "\r\n";
    for (const char c : form) {
      request.append("1\r\n").append(1, c).append("\r\n");
    }
    return request + "0\r\n\r\n";
  };
  CHECK(proxy.ask(chunked(fits)).status() == 303);
  CHECK(proxy.ask(chunked(fits + "x")).status() == 413);
}

TEST_CASE("after a refused form the connection goes on only if its body was read",
          "[wire][actions][http1]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  // refused for its content: the body was read, the next request is understood
  client.send(set("name=%zz") + set("name=Ada"));
  CHECK(client.read_response().status() == 400);
  CHECK(client.read_response().status() == 303);
  // refused before its body was read: what follows must not be taken for a request
  client.send(set("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Type: text/plain\r\n"));
  const Message refused = client.read_response();
  CHECK(refused.status() == 415);
  CHECK(refused.value("Connection") == "close");
  CHECK(client.read_to_end().empty());
  CHECK_FALSE(backend.has_connection());
}

TEST_CASE("no two cookies are alike, and only a first set begins a session", "[wire][actions]") {
  Backend backend;
  Proxy proxy{backend};
  const std::string one = proxy.ask(set("name=Ada")).set_cookie();
  const std::string two = proxy.ask(set("name=Ada")).set_cookie();
  CHECK(one != two);
  CHECK(one.size() == two.size());
  CHECK(proxy.count(Counter::SessionsCreated) == 2);
  proxy.ask(with_cookie(set("name=Bob"), one));
  CHECK(proxy.count(Counter::SessionsCreated) == 2);
}
