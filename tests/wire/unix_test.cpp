// Unix sockets on both sides.

#include <unistd.h>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake::test;

namespace {

// A folder of its own for the two sockets of a test.
struct Folder {
  Folder() : path("/tmp/keepsake-test-XXXXXX") { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() {
    for (const char* name : {"/front", "/back"}) {
      ::unlink((path + name).c_str());
    }
    ::rmdir(path.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

const char* const kUnix = R"(
listen: [{address: "unix:${DIR}/front"}]
trusted_proxies: [0.0.0.0/0]
backends: {app: {servers: ["unix:${DIR}/back"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

}  // namespace

TEST_CASE("a client on a unix socket is forwarded as such", "[wire][unix]") {
  const Folder folder;
  Backend backend{folder.path + "/back"};
  Proxy proxy{kUnix, {{"DIR", folder.path}}};
  Link client = connect_to(folder.path + "/front");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
  Link link = backend.accept();
  for (int i = 0; i < 2; ++i) {
    const Message request = link.read_request();
    CHECK(request.value("Host") == (i == 0 ? "a" : "localhost"));
    // nobody's address: it is not in any trusted network, and what it claims is not believed
    CHECK(request.value("X-Forwarded-For") == "unix");
    CHECK_FALSE(request.has("X-Forwarded-Port"));
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    CHECK(client.read_response().body == "ok");
    client.send("GET / HTTP/1.0\r\n\r\n");
  }
}

TEST_CASE("a socket file that nobody listens on is replaced, one in use is not", "[wire][unix]") {
  const Folder folder;
  Backend backend{folder.path + "/back"};
  {
    const Proxy gone{kUnix, {{"DIR", folder.path}}};
  }
  Proxy proxy{kUnix, {{"DIR", folder.path}}};
  CHECK_THROWS(Proxy{kUnix, {{"DIR", folder.path}}});
  Link client = connect_to(folder.path + "/front");
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  CHECK(link.read_request().start_line() == "GET / HTTP/1.1");
}
