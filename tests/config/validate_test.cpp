// What is right and must stay so, and what is only worth a warning; what is wrong is in bad/.

#include "config/validate.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::vector<std::string> warnings(std::string_view routes) {
  const Loaded loaded = World{}.load(minimal(routes));
  CHECK(lines(loaded.problems) == std::vector<std::string>{});
  return loaded.warnings;
}

bool loads(const std::string& yaml) {
  const Loaded loaded = World{}.load(yaml);
  for (const std::string& line : lines(loaded.problems)) {
    UNSCOPED_INFO(line);
  }
  return loaded.config.has_value();
}

}  // namespace

TEST_CASE("a route that another hides is worth a warning", "[config][routes]") {
  CHECK(
      warnings("routes:\n  - {path: /a, backend: app}\n  - {path: \"/*\", backend: app}").empty());
  CHECK(warnings("routes:\n  - {path: \"/*\", backend: app}\n  - {path: /setName, set: {a: b}}") ==
        std::vector<std::string>{
            "test.yaml:8:5: routes[1]: is never reached: routes[0] (/*) takes its "
            "requests first"});
  // Another host, other methods or a longer name are something else.
  CHECK(warnings("routes:\n  - {path: \"/*\", host: a.example, backend: app}\n  - {path: /x, "
                 "backend: app}")
            .empty());
  CHECK(warnings("routes:\n  - {path: \"/x/*\", backend: app}\n  - {path: /xy, backend: app}")
            .empty());
  CHECK(warnings(
            "routes:\n  - {path: /x, methods: [GET], backend: app}\n  - {path: /x, backend: app}")
            .empty());
  // "/x/*" has "/x" too, and an action takes every method of its path.
  CHECK(warnings("routes:\n  - {path: \"/x/*\", backend: app}\n  - {path: /x, backend: app}")
            .size() == 1);
  CHECK(
      warnings("routes:\n  - {path: /x, clear: true}\n  - {path: /x, methods: [GET], backend: app}")
          .size() == 1);
  CHECK(warnings("routes:\n  - {path: /x, methods: [GET, PUT], backend: app}\n"
                 "  - {path: /x, methods: [PUT], backend: app}")
            .size() == 1);
  CHECK(warnings("routes: []").size() == 1);
}

TEST_CASE("paths may be whatever a request's normal form can be", "[config][routes]") {
  for (const char* path : {"/", "/*", "/a/*", "/a/", "/a//b", "/%2F", "/%zz", "/a%20b", "/~a",
                           "/a;b=c", "/.well-known/x", "/..a", "/a:b@c"}) {
    INFO(path);
    CHECK(loads(minimal("routes: [{path: \"" + std::string{path} + "\", backend: app}]")));
  }
}

TEST_CASE("a route whose requests a guarded one would refuse is worth a warning",
          "[config][routes]") {
  const std::string guarded =
      "routes:\n  - {path: \"/admin/*\", backend: app, deny: [10.0.0.0/8]}\n";
  for (const char* path : {"/Admin/x", "/ADMIN", "/Admin/*", "//admin/x", "/admin;v=1/*"}) {
    CAPTURE(path);
    CHECK(warnings(guarded + "  - {path: \"" + path + "\", backend: app}") ==
          std::vector<std::string>{
              "test.yaml:8:5: routes[1]: answers 400 to every request: its path is another "
              "spelling of /admin/*, which routes[0] guards"});
  }
  for (const char* path : {"/Administer", "/X/admin", "/*"}) {
    CAPTURE(path);
    CHECK(warnings(guarded + "  - {path: \"" + path + "\", backend: app}").empty());
  }
}

TEST_CASE("a redirect may be a path or an http URL", "[config][routes]") {
  for (const char* redirect :
       {"/", "/a?b=c#d", "https://example.com/", "http://example.com", "/%C3%BC"}) {
    INFO(redirect);
    CHECK(loads(
        minimal("routes: [{path: /x, clear: true, redirect: \"" + std::string{redirect} + "\"}]")));
  }
}

TEST_CASE("hosts are names and addresses", "[config][routes]") {
  for (const char* host :
       {"example.com", "a-b.example", "localhost", "10.0.0.1", "[::1]", "my_service"}) {
    INFO(host);
    CHECK(
        loads(minimal("routes: [{path: /x, host: \"" + std::string{host} + "\", backend: app}]")));
  }
}

TEST_CASE("one key may go into two headers in two encodings", "[config][headers]") {
  CHECK(loads(minimal("", "headers: {X-A: a, X-B: {key: a, encoding: base64}}")));
}

TEST_CASE("every spelling of a header that the proxy lives by is refused", "[config][headers]") {
  for (const char* name : {"Host",
                           "HOST",
                           "Cookie",
                           "Content-Length",
                           "content_length",
                           "Content.Length",
                           "Transfer-Encoding",
                           "TRANSFER_ENCODING",
                           "Connection",
                           "Keep-Alive",
                           "Proxy-Connection",
                           "Proxy-Authorization",
                           "Proxy-Authenticate",
                           "TE",
                           "Trailer",
                           "Upgrade",
                           "Expect",
                           "HTTP2-Settings",
                           "Forwarded",
                           "X-Forwarded-For",
                           "X_Forwarded_Proto",
                           "X-Forwarded-Host",
                           "X-Forwarded-Port",
                           "X-Forwarded-Prefix",
                           "X~Forwarded~User",
                           "X-Real-IP",
                           "X_Real_IP",
                           "X-Request-Id",
                           "Via",
                           "Origin",
                           "Referer",
                           "Sec-Fetch-Site",
                           "Content-Type"}) {
    INFO(name);
    const Loaded loaded = World{}.load(minimal("", "headers: {\"" + std::string{name} + "\": a}"));
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems[0].message.find("no session value may stand in this header") == 0);
  }
}

TEST_CASE("more headers than a head could hold are refused", "[config][headers]") {
  const auto headers = [](int count) {
    std::string yaml = "headers:\n";
    for (int i = 0; i < count; ++i) {
      yaml += "    X-" + std::to_string(i) + ": key" + std::to_string(i) + "\n";
    }
    return minimal("", yaml);
  };
  CHECK(loads(headers(64)));
  CHECK_FALSE(loads(headers(65)));
}

TEST_CASE("cookies with a prefix are fine when they keep its promise", "[config][cookie]") {
  CHECK(loads(minimal("", "cookie: {name: __Host-id, secure: true}")));
  CHECK(loads(
      minimal("", "cookie: {name: __Secure-id, secure: true, domain: example.com, path: /a}")));
  CHECK(loads(minimal("", "cookie: {same_site: none, secure: true, partitioned: true}")));
  CHECK(loads(minimal("", "cookie: {lifetime: 400d}")));
  CHECK(loads(minimal("", "cookie: {domain: null}")));
}

TEST_CASE("listeners may share a port where their addresses differ", "[config][listen]") {
  const auto with = [](std::string_view a, std::string_view b) {
    return "listen: [{address: \"" + std::string{a} + "\"}, {address: \"" + std::string{b} +
           "\"}]\nbackends: {app: {servers: [http://a]}}\nsession: {secrets: [{env: "
           "SESSION_KEY}]}\n";
  };
  CHECK(loads(with("127.0.0.1:80", "127.0.0.2:80")));
  CHECK(loads(with("127.0.0.1:80", "[::1]:80")));
  CHECK(loads(with("127.0.0.1:80", "127.0.0.1:81")));
  CHECK(loads(with("127.0.0.1:0", "127.0.0.1:0")));
  CHECK(loads(with("unix:/a", "unix:/b")));
  CHECK_FALSE(loads(with("unix:/a", "unix:/a")));
  CHECK_FALSE(loads(with("[::1]:80", "[0:0::1]:80")));
  CHECK_FALSE(loads(with("[::]:80", "[::1]:80")));
  CHECK_FALSE(loads(with("localhost:80", "localhost:80")));
}

TEST_CASE("what is risky or useless is said", "[config][warnings]") {
  const auto one_of = [](const std::string& yaml, std::string_view text) {
    const Loaded loaded = World{}.load(yaml);
    CHECK(lines(loaded.problems) == std::vector<std::string>{});
    return std::count_if(loaded.warnings.begin(), loaded.warnings.end(),
                         [&](const std::string& warning) {
                           return warning.find(text) != std::string::npos;
                         }) == 1;
  };
  CHECK(one_of(minimal("trusted_proxies: [0.0.0.0/0]"), "every client is trusted"));
  CHECK(one_of(minimal("trusted_proxies: [\"::/0\"]"), "every client is trusted"));
  CHECK(one_of(minimal("trusted_proxies: [unix]"), "no listener is a unix socket"));
  CHECK(one_of(minimal("",
                       "trusted_origins: [\"http://www.example.com\"]\n  cookie: {same_site: "
                       "none, secure: true}"),
               "can be changed on their way"));
  CHECK(
      one_of(minimal("", "trusted_origins: [\"https://www.example.com:444\"]"), "same_site: none"));
  CHECK(one_of(minimal("", "cookie: {http_only: false}"), "scripts of the page can read"));
  CHECK(one_of(minimal("", "idle_timeout: 40d"), "longer than absolute_timeout"));
  CHECK(one_of(minimal("", "idle_timeout: 100s\n  touch_interval: 51s"),
               "more than half of idle_timeout"));
  CHECK(one_of(minimal("", "redis: {url: \"redis://h\"}"), "is not used"));
  CHECK(one_of(minimal("", "max_sessions: 5"), "is not used"));
  CHECK(one_of(minimal("", "max_value: 4KiB"), "hardly fits"));
}

TEST_CASE("check warns of servers that are Keepsake itself", "[config][loop]") {
  const auto warned = [](const std::string& listen, const std::string& server) {
    const Loaded loaded =
        World{}.load("listen: [{address: \"127.0.0.9:1\"}, {address: \"" + listen +
                     "\"}]\nbackends: {app: {servers: [\"http://192.0.2.1:9\", \"" + server +
                     "\"]}}\nroutes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: "
                     "SESSION_KEY}]}\n");
    CHECK(lines(loaded.problems) == std::vector<std::string>{});
    for (const std::string& line : loaded.warnings) {
      CHECK(line.find("backends.app.servers[1]: is Keepsake itself, which listens there "
                      "(listen[1].address)") != std::string::npos);
    }
    return loaded.warnings.size() == 1;
  };
  CHECK(warned("127.0.0.1:8080", "http://127.0.0.1:8080"));
  CHECK(warned("127.0.0.1:80", "http://localhost"));
  CHECK(warned("localhost:443", "https://127.0.0.1"));
  CHECK(warned("0.0.0.0:8080", "http://127.0.0.1:8080"));
  CHECK(warned("0.0.0.0:8080", "http://127.9.9.9:8080"));
  CHECK(warned("127.0.0.1:8080", "http://0.0.0.0:8080"));
  CHECK(warned("[::1]:8080", "http://[::1]:8080"));
  CHECK(warned("[::]:8080", "http://localhost:8080"));
  CHECK(warned("unix:/run/a.sock", "unix:/run/a.sock"));
  CHECK_FALSE(warned("127.0.0.1:8080", "http://127.0.0.1:8081"));
  CHECK_FALSE(warned("127.0.0.1:8080", "http://127.0.0.2:8080"));
  CHECK_FALSE(warned("0.0.0.0:8080", "http://192.0.2.1:8080"));
  CHECK_FALSE(warned("0.0.0.0:8080", "http://app.example:8080"));
  CHECK_FALSE(warned("unix:/run/a.sock", "unix:/run/b.sock"));
}

TEST_CASE("check warns of a trusted unix socket that every user may open", "[config][unix]") {
  const auto warned = [](const std::string& trusted, const std::string& mode) {
    const Loaded loaded = World{}.load(
        "trusted_proxies: [" + trusted +
        "]\nlisten: [{address: \"127.0.0.1:1\"}, {address: " + "\"unix:/run/a.sock\"" + mode +
        "}]\nbackends: {app: {servers: [\"http://192.0.2.1:9\"]}}\n"
        "routes: [{path: \"/*\", backend: app}]\nsession: {secrets: [{env: SESSION_KEY}]}\n");
    CHECK(lines(loaded.problems) == std::vector<std::string>{});
    for (const std::string& line : loaded.warnings) {
      CHECK(line.find("listen[1].mode: lets every user of this machine open the socket") !=
            std::string::npos);
    }
    return loaded.warnings.size() == 1;
  };
  CHECK(warned("unix", ", mode: \"0666\""));
  CHECK(warned("10.0.0.0/8, unix", ", mode: \"0662\""));
  CHECK_FALSE(warned("unix", ", mode: \"0660\""));
  CHECK_FALSE(warned("unix", ""));
  CHECK_FALSE(warned("10.0.0.0/8", ", mode: \"0666\""));
}

TEST_CASE("check warns of what makes session fixation possible", "[config][session]") {
  const auto warned = [](std::string_view listen, std::string_view backend,
                         std::string_view session, std::string_view key) {
    const std::string yaml = "listen: [" + std::string{listen} +
                             "]\nbackends: {app: {servers: [\"http://127.0.0.1:8081\"]" +
                             std::string{backend} +
                             "}}\nroutes: [{path: \"/*\", backend: app}]\nsession:\n"
                             "  secrets: [{env: SESSION_KEY}]\n" +
                             std::string{session};
    const Loaded loaded = World{}.load(yaml);
    CHECK(lines(loaded.problems) == std::vector<std::string>{});
    return std::any_of(
        loaded.warnings.begin(), loaded.warnings.end(),
        [&](const std::string& line) { return line.find(key) != std::string::npos; });
  };
  constexpr std::string_view http = "{address: \"127.0.0.1:80\"}";
  constexpr std::string_view to_https = "{address: \"127.0.0.1:80\", redirect_to_https: true}";
  constexpr std::string_view https =
      "{address: \"127.0.0.1:443\", tls: {certificate: /etc/keepsake/tls.crt, "
      "key: /etc/keepsake/tls.key}}";
  const std::string both = std::string{to_https} + ", " + std::string{https};
  const std::string mixed = std::string{http} + ", " + std::string{https};

  for (const std::string_view store : {"  store: cookie\n", "  store: memory\n"}) {
    CHECK(warned(https, "", store, "session.cookie.name: begins without __Host-"));
    CHECK(warned(both, "", store, "session.cookie.name: begins without __Host-"));
    CHECK_FALSE(warned(http, "", store, "__Host-"));
    CHECK_FALSE(warned(mixed, "", store, "__Host-"));
  }
  CHECK_FALSE(
      warned(https, "", "  cookie: {name: __Host-session, secure: true}\n", "begins without"));
  CHECK_FALSE(warned(https, "", "  cookie: {domain: example.com}\n", "begins without"));

  constexpr std::string_view writes = ", writes_session: true";
  constexpr std::string_view about = "backends.app.writes_session: without session.privileged";
  CHECK(warned(http, writes, "  store: memory\n", about));
  CHECK_FALSE(warned(http, writes, "  store: memory\n  privileged: [user]\n", about));
  CHECK_FALSE(warned(http, writes, "  store: cookie\n", about));
  CHECK_FALSE(warned(http, "", "  store: memory\n", about));
}

TEST_CASE("a required value is no claim of the visitor", "[config][require]") {
  const auto routes = [](const std::string& more) {
    return warnings("routes:\n  - {path: /set, set: {nick: nick}}\n" + more);
  };
  CHECK(routes("  - {path: /login, backend: app}\n"
               "  - {path: \"/*\", backend: app, require: [user], else: \"/login?why=session\"}")
            .empty());
  CHECK(routes("  - {path: \"/*\", backend: app, require: [nick]}") ==
        std::vector<std::string>{
            "test.yaml:8:42: routes[1].require[0]: a set route writes nick: its value is the "
            "visitor's own claim"});
}

TEST_CASE("a way back without a way there is worth a warning", "[config][require]") {
  const std::string enter = "routes:\n  - {path: /enter, set: {a: b}, redirect: return}\n";
  CHECK(warnings(enter) == std::vector<std::string>{"test.yaml:7:43: routes[0].redirect: no route "
                                                    "has else, so that this always leads to /"});
  CHECK(warnings(enter + "  - {path: /login, backend: app}\n"
                         "  - {path: \"/*\", backend: app, require: [user], else: /login}")
            .empty());
}

TEST_CASE("else may lead to whatever route takes it", "[config][require]") {
  const auto loads_with = [](const std::string& routes) {
    return loads(minimal("routes:\n" + routes));
  };
  const std::string guarded = "  - {path: \"/*\", backend: app, require: [user], else: /login}";
  CHECK(
      loads_with("  - {path: /login, redirect: /sign-in/}\n"
                 "  - {path: \"/sign-in/*\", backend: app}\n" +
                 guarded));
  CHECK(
      loads_with("  - {path: /login, methods: [POST], backend: app}\n"
                 "  - {path: /login, methods: [GET], backend: app}\n" +
                 guarded));
  CHECK_FALSE(loads_with("  - {path: /login, methods: [POST], backend: app}\n" + guarded));
  CHECK_FALSE(loads_with("  - {path: /login, host: b.example, backend: app}\n" + guarded));
  CHECK_FALSE(loads_with("  - {path: /login, set: {a: b}}\n" + guarded));
  CHECK_FALSE(loads_with("  - {path: /login, clear: true}\n" + guarded));
  CHECK(loads_with(
      "  - {path: /login, host: b.example, backend: app}\n"
      "  - {path: \"/*\", host: b.example, backend: app, require: [user], else: /login}"));
}
