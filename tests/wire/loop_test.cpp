// A server of a backend that is Keepsake itself.

#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string yaml(const std::string& listen, const std::string& servers) {
  return "listen: [{address: \"" + listen + "\"}]\nbackends: {app: {servers: [" + servers +
         "]}}\nroutes: [{path: \"/*\", backend: app}]\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n";
}

}  // namespace

TEST_CASE("a server that is Keepsake itself is 508 and not connected to", "[wire][loop]") {
  const std::string at = GENERATE("127.0.0.1:0", "0.0.0.0:0");
  const std::string host = GENERATE("127.0.0.1", "0.0.0.0", "app.test");
  CAPTURE(at, host);
  Proxy proxy{yaml(at, "http://127.0.0.1:1"), Proxy::Variables{},
              [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }};
  const std::string url = "http://" + host + ":" + std::to_string(proxy.port());
  proxy.reload(yaml(at, url));
  proxy.wait_until("it has an address", [&] { return proxy.resolved(); });
  CHECK(proxy.ask(kGet).status() == 508);
  CHECK(proxy.count(Counter::BackendConnects) == 0);
  CHECK(proxy.log().find("is Keepsake itself") != std::string::npos);
}

TEST_CASE("another server, and another address of a name, are used beside Keepsake's own",
          "[wire][loop]") {
  Backend backend;
  Proxy proxy{yaml("127.0.0.1:0", "http://127.0.0.1:1"), Proxy::Variables{}};
  const std::string itself = "http://127.0.0.1:" + std::to_string(proxy.port());
  proxy.reload(yaml("127.0.0.1:0", "\"" + itself + "\", \"" + backend.url() + "\""));
  for (int i = 0; i < 4; ++i) {
    Link client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    CHECK(client.read_response().status() == 200);
  }
}

TEST_CASE("a unix socket that is Keepsake's own is 508, whatever it is called", "[wire][loop]") {
  const std::string folder = "/tmp/keepsake-loop-" + std::to_string(::getpid());
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  const std::string path = folder + "/own.sock";
  const std::string link = folder + "/link.sock";
  REQUIRE(::symlink(path.c_str(), link.c_str()) == 0);
  {
    const bool by_link = GENERATE(false, true);
    const std::string& server = by_link ? link : path;
    Proxy proxy{yaml("unix:" + path, "\"unix:" + server + "\""), Proxy::Variables{}};
    Link client = connect_to(path);
    client.send(kGet);
    CHECK(client.read_response().status() == 508);
  }
  ::unlink(path.c_str());
  ::unlink(link.c_str());
  ::rmdir(folder.c_str());
}
