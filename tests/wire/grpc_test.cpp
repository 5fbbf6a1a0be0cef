// Keepsake's own refusals as a client of gRPC reads them: one head with grpc-status.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"
#include "wire/sign_in.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::chrono_literals;
namespace h2 = keepsake::test::http2;

namespace {

h2::Fields call(const std::string& path, const h2::Fields& more = {}) {
  h2::Fields fields =
      h2::request("POST", path, {{"content-type", "application/grpc"}, {"te", "trailers"}});
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// gRPC's Trailers-Only: a head that ends the stream, with the status.
void check_refused(const Http2Client::Answer& answer, const std::string& status) {
  CHECK(answer.status() == "200");
  CHECK(answer.ended);
  CHECK(answer.body.empty());
  CHECK(answer.trailers.empty());
  CHECK(h2::value_of(answer.head, "content-type") == "application/grpc");
  CHECK(h2::value_of(answer.head, "grpc-status") == status);
  CHECK(h2::value_of(answer.head, "grpc-message").find("(request ") != std::string::npos);
  CHECK(h2::value_of(answer.head, "content-length") == "(none)");
}

const std::string kRoutes =
    "  - {path: \"/user.Service/*\", backend: app, require: [user], else: /login}\n"
    "  - {path: \"/staff.Service/*\", backend: app, require: {role: [admin]}}\n"
    "  - {path: \"/denied.Service/*\", backend: app, deny: [127.0.0.1]}\n"
    "  - {path: \"/often.Service/*\", backend: app, rate_limits: [{requests: 1, every: 1h}]}\n"
    "  - {path: \"/small.Service/*\", backend: app, limits: {body: 4B}}\n";

}  // namespace

TEST_CASE("a call that may not pass is refused with a status of gRPC", "[wire][http2][grpc]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  const std::string user = sign_in(proxy, backend, "user=ada&role=guest");
  Http2Client client{proxy};
  const auto answer = [&](const std::string& path, const h2::Fields& more = {}) {
    return client.finish(client.ask(call(path, more)));
  };
  check_refused(answer("/user.Service/Get"), "16");
  CHECK(h2::value_of(answer("/user.Service/Get").head, "grpc-message")
            .starts_with("Please sign in first. (request "));
  check_refused(answer("/staff.Service/Get", {{"cookie", user}}), "7");
  check_refused(answer("/denied.Service/Get"), "7");
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, call("/small.Service/Get"), false) +
              h2::data(stream, std::string("\0\0\0\0\2hi", 7)));
  check_refused(client.finish(stream), "8");
  CHECK_FALSE(backend.has_connection());
  CHECK_FALSE(client.went_away());
}

TEST_CASE("a rate limit, a deadline and a server that is not there are statuses of gRPC",
          "[wire][http2][grpc]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  const std::uint32_t first = client.ask(call("/often.Service/Get"));
  Link link = backend.accept();
  link.read_request();
  check_refused(client.finish(client.ask(call("/often.Service/Get"))), "8");
  proxy.advance(61s);
  check_refused(client.finish(first), "4");
  const std::uint32_t second = client.ask(call("/x.Service/Get"));
  backend.accept().read_request();
  check_refused(client.finish(second), "14");
}

TEST_CASE("gRPC-Web, HTTP/1 and other content types are refused with a status of HTTP",
          "[wire][http2][grpc]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  for (const char* type : {"application/grpc-web+proto", "application/json"}) {
    const auto answer = client.finish(
        client.ask(h2::request("POST", "/user.Service/Get", {{"content-type", type}})));
    CHECK(answer.status() == "401");
    CHECK(h2::value_of(answer.head, "grpc-status") == "(none)");
  }
  CHECK(client
            .finish(client.ask(
                h2::request("GET", "/user.Service/Get", {{"content-type", "application/grpc"}})))
            .status() == "401");
}

TEST_CASE("a refusal over HTTP/1 has a status of HTTP, whatever its content type",
          "[wire][grpc][http1]") {
  Backend backend;
  Proxy proxy{signing_in(kRoutes), {{"BACKEND", backend.url()}}};
  CHECK(proxy
            .ask("POST /user.Service/Get HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n"
                 "Content-Length: 0\r\n\r\n")
            .status() == 401);
}

// A proxy in front lets a request pass whose check was answered with 200.
TEST_CASE("a refusal for a proxy in front is never the 200 of gRPC", "[wire][http2][grpc][verify]") {
  Backend backend;
  Proxy proxy{"trusted_proxies: [127.0.0.1/32]\n" +
                  signing_in("  - {path: /verify, verify: true, require: [user]}\n"),
              {{"BACKEND", backend.url()}}};
  Http2Client client{proxy};
  CHECK(client.finish(client.ask(call("/verify"))).status() == "401");
  CHECK(client.finish(client.ask(call("/verify/../../x"))).status() == "400");
}
