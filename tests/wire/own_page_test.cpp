// error_pages: pages of the operator's own for what Keepsake answers itself.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

constexpr std::string_view kPages =
    "error_pages: {404: missing.html, 4xx: client.html, 502: down.html}\n";

Proxy with_pages(const Backend& backend, std::string_view more = "") {
  return Proxy{
      "listen: [{address: \"127.0.0.1:0\"}]\n"
      "backends: {app: {servers: [\"${BACKEND}\"]}}\n"
      "routes:\n"
      "  - {path: /setName, set: {myName: name}}\n"
      "  - {path: \"/app/*\", backend: app}\n"
      "session: {secrets: [{env: SESSION_KEY}]}\n" +
          std::string{kPages}.append(more),
      {{"BACKEND", backend.url()},
       {"file:missing.html", "<p>{status} {title} ({request_id}) {other} {{status}</p>"},
       {"file:client.html", "<p>client {status}</p>"},
       {"file:down.html", "<p>down</p>"}}};
}

std::string get(const std::string& path, const std::string& lines = "Accept: text/html\r\n") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("a page of one's own stands in for the built-in one, with its names filled in",
          "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  const Message page = proxy.ask(get("/nowhere"));
  CHECK(page.status() == 404);
  CHECK(page.value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.value("Cache-Control") == "no-store");
  CHECK(page.value("Content-Length") == std::to_string(page.body.size()));
  CHECK(page.body.starts_with("<p>404 Not Found ("));
  CHECK(page.body.ends_with(") {other} {404</p>"));
  const std::size_t start = page.body.find('(') + 1;
  const std::string id = page.body.substr(start, page.body.find(')') - start);
  CHECK(id.size() >= 16);
  CHECK(page.body.find("{request_id}") == std::string::npos);
}

TEST_CASE("a class of statuses has a page, and a single status goes first", "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  CHECK(proxy.ask(get("/setName")).body == "<p>client 405</p>");
  CHECK(proxy.ask(get("/app/x", "Accept: text/html\r\nExpect: more\r\n")).body ==
        "<p>client 417</p>");
  CHECK(proxy.ask(get("/nowhere")).body.starts_with("<p>404"));
}

TEST_CASE("an action's refusal has the page and the session's lines", "[wire][errors][session]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  const Message page = proxy.ask(
      "POST /setName HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nContent-Length: 0\r\n\r\n");
  CHECK(page.status() == 415);
  CHECK(page.body == "<p>client 415</p>");
  CHECK(page.value("Vary") == "Cookie");
}

TEST_CASE("programs get a problem document whatever pages there are", "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  const Message problem = proxy.ask(get("/nowhere", ""));
  CHECK(problem.value("Content-Type") == "application/problem+json");
  CHECK(problem.body.find("\"status\":404") != std::string::npos);
}

TEST_CASE("what a backend says itself is not replaced, and what it fails to say is",
          "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  Link client = proxy.connect();
  client.send(get("/app/x"));
  Link link = backend.accept();
  link.read_request();
  link.send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nmine");
  CHECK(client.read_response().body == "mine");
  client.send(get("/app/x"));
  link.read_request();
  link.send("nonsense\r\n\r\n");
  const Message down = client.read_response();
  CHECK(down.status() == 502);
  CHECK(down.body == "<p>down</p>");
}

TEST_CASE("after HEAD the length of the own page is told and no body sent", "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend);
  Link client = proxy.connect();
  client.send("HEAD /setName HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n" + get("/setName"));
  CHECK(client.read_response(true).value("Content-Length") == "17");
  CHECK(client.read_response().body == "<p>client 405</p>");
}

TEST_CASE("a request id of a trusted proxy is escaped in the page", "[wire][errors]") {
  Backend backend;
  const Proxy proxy = with_pages(backend, "trusted_proxies: [127.0.0.1]\n");
  const Message page =
      proxy.ask(get("/nowhere", "Accept: text/html\r\nX-Request-Id: a<script>&\"'b\r\n"));
  CHECK(page.body.find("<script>") == std::string::npos);
}
