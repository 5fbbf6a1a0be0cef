// The PROXY protocol at a listener: who is believed, and what the backend and the log then say.

#include <unistd.h>

#include <filesystem>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

const char* const kBalanced = R"(
listen: [LISTENER]
trusted_proxies: ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
)";

// Version 2: the command, the family, and the block of addresses as it stands on the wire.
std::string v2(unsigned char command, unsigned char family, const std::string& block) {
  std::string out{"\r\n\r\n\0\r\nQUIT\n", 12};
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(block.size() >> 8U);
  out += static_cast<char>(block.size() & 0xffU);
  return out + block;
}

std::string v2_v4(const std::string& address) {
  return v2(0x21, 0x11,
            address + std::string{"\xc0\x00\x02\x01", 4} + std::string{"\x12\x34\x01\xbb", 4});
}

std::string v2_v6(const std::string& address) {
  const std::string to(16, '\x01');
  return v2(0x21, 0x21, address + to + std::string{"\x12\x34\x01\xbb", 4});
}

const std::string kV6{"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16};
const std::string kTrustedV6{"\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07", 16};
const std::string kRequest =
    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: "
    "https\r\nX-Forwarded-Port: 8443\r\n\r\n";

struct Row {
  const char* what;
  bool tls;
  bool over_unix;
  std::string header;  // empty: a listener without proxy_protocol
  const char* forwarded_for;
  const char* proto;
  const char* port;
  const char* logged;  // with X-Forwarded-For of a trusted peer: the address that it names
};

struct Listener {
  explicit Listener(const Row& row) {
    const bool has_header = !row.header.empty();
    std::string tls;
    if (row.tls) {
      const Certificates::Pair pair = files.make("server", {"a"});
      tls = ", tls: {certificate: " + pair.certificate + ", key: " + pair.key + "}";
    }
    path = files.folder() + "/front";
    std::string yaml = kBalanced;
    yaml.replace(yaml.find("LISTENER"), 8,
                 "{address: \"" + (row.over_unix ? "unix:" + path : std::string{"127.0.0.1:0"}) +
                     "\", proxy_protocol: " + (has_header ? "true" : "false") + tls + "}");
    proxy = std::make_unique<Proxy>(yaml, Proxy::Variables{{"BACKEND", backend.url()}});
    client = row.over_unix ? connect_to(path) : proxy->connect();
  }
  Certificates files;
  Backend backend;
  std::string path;
  std::unique_ptr<Proxy> proxy;
  Link client;
};

}  // namespace

TEST_CASE("the client's address is right in headers and log, whatever stands before us",
          "[wire][proxy_protocol]") {
  const Row row = GENERATE_COPY(from_range(std::vector<Row>{
      // no PROXY header: the socket's address decides who is believed, and 127.0.0.1 is
      {"plain", false, false, "", "203.0.113.9, 127.0.0.1", "https", "8443", "203.0.113.9"},
      {"tls", true, false, "", "203.0.113.9, 127.0.0.1", "https", "8443", "203.0.113.9"},
      {"unix", false, true, "", "unknown", "http", "80", "unix"},
      {"unix tls", true, true, "", "unknown", "https", "443", "unix"},
      // the header's source decides
      {"v1 v4", false, false, "PROXY TCP4 198.51.100.7 192.0.2.1 4660 443\r\n", "198.51.100.7",
       "http", "80", "198.51.100.7"},
      {"v1 v4 tls", true, false, "PROXY TCP4 198.51.100.7 192.0.2.1 4660 443\r\n", "198.51.100.7",
       "https", "443", "198.51.100.7"},
      {"v1 v6", false, false, "PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n", "2001:db8::1",
       "http", "80", "2001:db8::1"},
      {"v1 v6 tls", true, false, "PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n", "2001:db8::1",
       "https", "443", "2001:db8::1"},
      {"v1 trusted v4", false, false, "PROXY TCP4 10.1.2.3 192.0.2.1 4660 443\r\n",
       "203.0.113.9, 10.1.2.3", "https", "8443", "203.0.113.9"},
      {"v1 trusted v6 tls", true, false, "PROXY TCP6 fd00::7 2001:db8::2 4660 443\r\n",
       "203.0.113.9, fd00::7", "https", "8443", "203.0.113.9"},
      {"v1 unknown", false, false, "PROXY UNKNOWN\r\n", "127.0.0.1", "http", "80", "127.0.0.1"},
      {"v1 unknown tls", true, false, "PROXY UNKNOWN\r\n", "127.0.0.1", "https", "443",
       "127.0.0.1"},
      {"v1 over unix", false, true, "PROXY TCP4 198.51.100.7 192.0.2.1 4660 443\r\n",
       "198.51.100.7", "http", "80", "198.51.100.7"},
      {"v1 trusted over unix", false, true, "PROXY TCP4 10.1.2.3 192.0.2.1 4660 443\r\n",
       "203.0.113.9, 10.1.2.3", "https", "8443", "203.0.113.9"},
      {"v2 v4", false, false, v2_v4("\xc6\x33\x64\x07"), "198.51.100.7", "http", "80",
       "198.51.100.7"},
      {"v2 v4 tls", true, false, v2_v4("\xc6\x33\x64\x07"), "198.51.100.7", "https", "443",
       "198.51.100.7"},
      {"v2 v6", false, false, v2_v6(kV6), "2001:db8::1", "http", "80", "2001:db8::1"},
      {"v2 v6 tls", true, false, v2_v6(kV6), "2001:db8::1", "https", "443", "2001:db8::1"},
      {"v2 trusted v4 tls", true, false, v2_v4("\x0a\x01\x02\x03"), "203.0.113.9, 10.1.2.3",
       "https", "8443", "203.0.113.9"},
      {"v2 trusted v6", false, false, v2_v6(kTrustedV6), "203.0.113.9, fd00::7", "https", "8443",
       "203.0.113.9"},
      {"v2 over unix tls", true, true, v2_v6(kV6), "2001:db8::1", "https", "443", "2001:db8::1"},
      {"v2 local", false, false, v2(0x20, 0x00, ""), "203.0.113.9, 127.0.0.1", "https", "8443",
       "203.0.113.9"},
      {"v2 local tls", true, false, v2(0x20, 0x11, std::string(12, '\x01')),
       "203.0.113.9, 127.0.0.1", "https", "8443", "203.0.113.9"},
      {"v2 unspecified", false, false, v2(0x21, 0x00, ""), "127.0.0.1", "http", "80", "127.0.0.1"},
      {"v2 client on a unix socket", false, false, v2(0x21, 0x31, std::string(216, 'x')),
       "127.0.0.1", "http", "80", "127.0.0.1"},
  }));
  INFO(row.what);
  Listener front{row};
  std::unique_ptr<TlsEnd> tls;
  if (row.tls) {
    front.client.send(row.header);
    TlsEnd::Options options;
    options.authority = front.files.authority();
    options.name = "a";
    tls = std::make_unique<TlsEnd>(front.client.fd(), options);
    std::string why;
    REQUIRE(tls->handshake(why));
    REQUIRE(tls->send(kRequest));
  } else {
    front.client.send(row.header + kRequest);
  }
  Link link = front.backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("X-Forwarded-For") == row.forwarded_for);
  CHECK(request.value("X-Forwarded-Proto") == row.proto);
  CHECK(request.value("X-Forwarded-Port") == row.port);
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  if (tls) {
    CHECK(tls->receive_until("\r\n\r\nok").ends_with("\r\n\r\nok"));
  } else {
    CHECK(front.client.read_response().body == "ok");
  }
  front.proxy->wait_until("the access log has the line",
                          [&] { return !front.proxy->access_log().empty(); });
  const std::string line = front.proxy->access_log();
  CHECK(line.substr(0, line.find(' ')) == row.logged);
}

TEST_CASE("what a PROXY header says of TLS counts as TLS to Keepsake", "[wire][proxy_protocol]") {
  const std::string ssl{"\x20\x00\x05\x01\0\0\0\0", 8};
  const std::string block = std::string{"\xc6\x33\x64\x07\xc0\x00\x02\x01\x12\x34\x01\xbb", 12};
  struct Case {
    const char* what;
    std::string header;
    bool over_unix;
    const char* trusted;
    bool https;
  };
  const Case row = GENERATE_COPY(from_range(std::vector<Case>{
      {"said", v2(0x21, 0x11, block + ssl), false, "127.0.0.1", true},
      {"not said", v2(0x21, 0x11, block), false, "127.0.0.1", false},
      {"unnamed", v2(0x21, 0x00, ssl), false, "127.0.0.1", true},
      {"the balancer itself", v2(0x20, 0x00, ssl), false, "127.0.0.1", false},
      {"over a trusted unix socket", v2(0x21, 0x11, block + ssl), true, "unix", true},
      {"over another", v2(0x21, 0x11, block + ssl), true, "127.0.0.1", false},
  }));
  INFO(row.what);
  const Certificates files;
  Backend backend;
  const std::string path = files.folder() + "/front";
  Proxy proxy{"listen: [{proxy_protocol: true, address: \"" +
                  (row.over_unix ? "unix:" + path : std::string{"127.0.0.1:0"}) +
                  "\"}]\ntrusted_proxies: [" + row.trusted + R"(]
backends: {app: {servers: ["${BACKEND}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  Link client = row.over_unix ? connect_to(path) : proxy.connect();
  client.send(row.header +
              "POST /setName HTTP/1.1\r\nHost: a\r\nContent-Type: "
              "application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada");
  const bool secure =
      client.read_response().value("Set-Cookie").find("; Secure") != std::string::npos;
  CHECK(secure == row.https);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  const Message request = link.read_request();
  CHECK(request.value("X-Forwarded-Proto") == (row.https ? "https" : "http"));
  CHECK(request.value("X-Forwarded-Port") == (row.https ? "443" : "80"));
}

TEST_CASE("a PROXY header that is not to be believed closes the connection without an answer",
          "[wire][proxy_protocol]") {
  const auto [what, bytes] = GENERATE(table<std::string, std::string>({
      {"none", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"malformed", "PROXY TCP4 198.51.100.7 192.0.2.1 4660\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a name", "PROXY TCP4 localhost 192.0.2.1 1 2\r\n\r\n"},
      {"too long", "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n"},
      {"a lying length", v2(0x21, 0x11, "\x01\x02\x03")},
      {"a length beyond all", std::string{"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", 16}},
      {"version 3", v2(0x31, 0x11, std::string(12, '\x01'))},
  }));
  INFO(what);
  Listener front{{"", false, false, "x", "", "", "", ""}};
  front.client.send(bytes);
  CHECK(front.client.read_rest().bytes.empty());
  CHECK(front.proxy->count(Counter::ProxyHeadersRefused) == 1);
  CHECK_FALSE(front.backend.has_connection());
  CHECK(front.proxy->log().find("its PROXY header is missing or malformed") != std::string::npos);
}

TEST_CASE("a PROXY header of an untrusted peer is refused before it is read",
          "[wire][proxy_protocol]") {
  const Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0", proxy_protocol: true}]
trusted_proxies: ["10.0.0.0/8"]
backends: {app: {servers: ["${BACKEND}"]}}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  Link client = proxy.connect();
  client.send("PROXY TCP4 198.51.100.7 192.0.2.1 4660 443\r\n" + kRequest);
  CHECK(client.read_rest().bytes.empty());
  CHECK(proxy.count(Counter::ProxyHeadersRefused) == 1);
  CHECK(proxy.log().find("not in trusted_proxies") != std::string::npos);
}

TEST_CASE("a PROXY header that does not come is waited for as long as a handshake may take",
          "[wire][proxy_protocol]") {
  Listener front{{"", false, false, "x", "", "", "", ""}};
  front.client.send("PROXY TCP4 198.51.");
  const auto took = front.proxy->advance_until(std::chrono::milliseconds{250}, [&] {
    return front.proxy->count(Counter::ProxyHeadersRefused) == 1;
  });
  CHECK(took >= std::chrono::seconds{10});
  CHECK(front.client.read_rest().bytes.empty());
}

TEST_CASE("connections_per_client counts the clients behind the balancer",
          "[wire][proxy_protocol]") {
  Backend backend;
  Proxy proxy{R"(
listen: [{address: "127.0.0.1:0", proxy_protocol: true}]
trusted_proxies: ["127.0.0.1"]
backends: {app: {servers: ["${BACKEND}"]}}
routes: [{path: "/*", backend: app}]
limits: {connections_per_client: 2}
session: {secrets: [{env: SESSION_KEY}]}
)",
              {{"BACKEND", backend.url()}}};
  std::vector<Link> clients;
  const auto connect = [&](const std::string& from) {
    clients.push_back(proxy.connect());
    clients.back().send("PROXY TCP4 " + from + " 192.0.2.1 4660 443\r\nGET /none HTTP/0.9\r\n\r\n");
    return clients.back().read_rest().bytes;
  };
  std::vector<Link> open;
  const auto hold = [&](const std::string& from) {
    open.push_back(proxy.connect());
    open.back().send("PROXY TCP4 " + from +
                     " 192.0.2.1 4660 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    Link link = backend.accept();
    link.read_request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    open.back().read_response();
  };
  hold("198.51.100.1");
  hold("198.51.100.1");
  hold("198.51.100.2");
  CHECK(connect("198.51.100.1").empty());
  CHECK(proxy.count(Counter::ConnectionsRefused) == 1);
  CHECK(connect("198.51.100.2").find("HTTP/1.1 505") == 0);
}
