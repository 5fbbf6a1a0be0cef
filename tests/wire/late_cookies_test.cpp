// A response that comes long after its request: the visitor may have ended the session meanwhile,
// and a cookie that is written only to renew it must not bring it back.

#include "support/catch.hpp"
#include "support/proxy.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;

namespace {

std::string config(std::string_view session, std::string_view backend = "") {
  return R"(
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["${BACKEND}"])" +
         std::string{backend} + R"(}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  idle_timeout: 100s
  touch_interval: 10s
  )" + std::string{session} +
         "\n";
}

struct World {
  explicit World(std::string_view session, std::string_view more = "")
      : proxy{config(session, more), {{"BACKEND", backend.url()}}} {}

  std::string arrive() const {
    return proxy
        .ask(
            "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
            "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada")
        .set_cookie();
  }
  // The response to a request with that cookie on which the backend works for so long.
  Message visit(const std::string& cookie, std::chrono::milliseconds works,
                const std::string& lines = "") {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + "\r\n\r\n");
    Link link = backend.accept();
    CHECK(link.read_request().value("X-Session-Name") == "Ada");
    proxy.advance(works);
    link.send("HTTP/1.1 200 OK\r\n" + lines + "Connection: close\r\nContent-Length: 0\r\n\r\n");
    return client.read_response();
  }

  Backend backend;
  Proxy proxy;
};

}  // namespace

TEST_CASE("a touch waits for a response that follows its request within two seconds",
          "[wire][lifetime][late]") {
  const std::string kind = GENERATE(std::string{"store: cookie"}, std::string{"format: flask"},
                                    std::string{"store: memory\n  cookie: {lifetime: 90s}"});
  CAPTURE(kind);
  World world{kind};
  const std::string cookie = world.arrive();
  world.proxy.advance(20s);
  CHECK_FALSE(world.visit(cookie, 2001ms).has("Set-Cookie"));
  CHECK(world.visit(cookie, 2000ms).has("Set-Cookie"));
}

TEST_CASE("a late touch is sent while less than a quarter of the idle timeout is left",
          "[wire][lifetime][late]") {
  const std::string kind = GENERATE(std::string{"store: cookie"}, std::string{"format: flask"});
  CAPTURE(kind);
  World world{kind};
  const std::string cookie = world.arrive();
  world.proxy.advance(72s);
  CHECK_FALSE(world.visit(cookie, 3s).has("Set-Cookie"));  // a quarter is left, not less
  CHECK(world.visit(cookie, 3s).has("Set-Cookie"));
}

TEST_CASE("a late response keeps what its backend wrote", "[wire][lifetime][late]") {
  World world{"store: cookie", ", writes_session: true"};
  const std::string cookie = world.arrive();
  CHECK(world.visit(cookie, 5s, "X-Session-Set: a=b\r\n").set_cookie().size() > 20);
}

TEST_CASE("a re-seal for a new key waits for a timely response", "[wire][lifetime][late]") {
  World world{"store: cookie"};
  const std::string cookie = world.arrive();
  std::string both = config("store: cookie");
  both.replace(both.find("[{env: SESSION_KEY}]"), 20, "[{env: OTHER_KEY}, {env: SESSION_KEY}]");
  world.proxy.reload(both);
  CHECK_FALSE(world.visit(cookie, 2500ms).has("Set-Cookie"));
  CHECK(world.visit(cookie, 1s).has("Set-Cookie"));
}

TEST_CASE("a page that was made while the store did not answer is kept by no cache",
          "[wire][store][caching]") {
  std::string cookie;
  {
    World maker{"store: memory"};  // one proxy at a time: the log is the process's
    cookie = maker.arrive();
  }
  Backend redis;  // of a host that refuses connections from now on
  World world{"store: redis\n  redis: {url: \"redis://127.0.0.1:" + std::to_string(redis.port()) +
              "/0\"}"};
  redis.stop();
  Link client = world.proxy.connect();
  const bool stranger = GENERATE(false, true);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n" +
              (stranger ? "" : "Cookie: session=" + cookie + "\r\n") + "\r\n");
  Link link = world.backend.accept();
  CHECK_FALSE(link.read_request().has("X-Session-Name"));
  link.send("HTTP/1.1 200 OK\r\nCache-Control: public\r\nExpires: x\r\nContent-Length: 0\r\n\r\n");
  const Message page = client.read_response();
  CHECK_FALSE(page.has("Set-Cookie"));
  CHECK(page.value("Cache-Control") == (stranger ? "public" : "private, no-store"));
  CHECK(page.has("Expires") == stranger);
}

TEST_CASE("beside a Set-Cookie no field about caching is left, whichever caches it addresses",
          "[wire][session][caching]") {
  World world{"store: cookie"};
  const std::string cookie = world.arrive();
  world.proxy.advance(20s);
  const std::vector<std::string> fields{"Cache-Control",
                                        "cache-control",
                                        "Expires",
                                        "Pragma",
                                        "Surrogate-Control",
                                        "Edge-Control",
                                        "X-Accel-Expires",
                                        "CDN-Cache-Control",
                                        "Cloudflare-CDN-Cache-Control",
                                        "x-cdn-CACHE-control",
                                        "Vercel-CDN-Cache-Control",
                                        "Netlify-CDN-Cache-Control"};
  std::string lines;
  for (const std::string& field : fields) {
    lines += field + ": public, max-age=60\r\n";
  }
  const Message page = world.visit(cookie, 1s, lines + "Surrogate-Key: x\r\nAge: 3\r\n");
  CHECK(page.has("Set-Cookie"));
  CHECK(page.value("Cache-Control") == "private, no-store");
  for (std::size_t i = 2; i < fields.size(); ++i) {
    CAPTURE(fields[i]);
    CHECK_FALSE(page.has(fields[i]));
  }
  CHECK(page.value("Surrogate-Key") == "x");
  CHECK(page.value("Age") == "3");
}
