#include "backend/server_authority.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string authority_of(const std::string& address, bool tls) {
  ServerConfig server;
  std::string error;
  server.address = *parse_socket_address(address, error);
  server.tls = tls;
  std::string out;
  append_server_authority(server, out);
  return out;
}

}  // namespace

TEST_CASE("a server is called without the port of its scheme", "[backend]") {
  CHECK(authority_of("a.example:80", false) == "a.example");
  CHECK(authority_of("a.example:443", true) == "a.example");
  CHECK(authority_of("a.example:443", false) == "a.example:443");
  CHECK(authority_of("a.example:80", true) == "a.example:80");
  CHECK(authority_of("127.0.0.1:8081", false) == "127.0.0.1:8081");
  CHECK(authority_of("[::1]:80", false) == "[::1]");
  CHECK(authority_of("[::1]:65535", false) == "[::1]:65535");
  CHECK(authority_of("unix:/run/x.sock", false) == "localhost");
}
