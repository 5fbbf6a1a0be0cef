#pragma once
// A backend that signs visitors in, for tests of routes that need a session.

#include <string>

#include "support/proxy.hpp"

namespace keepsake::test {

// `routes` before a catch-all, `session` further lines of that section.
inline std::string signing_in(const std::string& routes, const std::string& session = "") {
  return "listen: [{address: \"127.0.0.1:0\"}]\n"
         "backends: {app: {servers: [\"${BACKEND}\"], writes_session: true}}\n"
         "routes:\n" +
         routes +
         "  - {path: \"/*\", backend: app}\n"
         "session:\n  secrets: [{env: SESSION_KEY}]\n" +
         session;
}

inline std::string cookie_line(const std::string& cookies) {
  return cookies.empty() ? "" : "Cookie: " + cookies + "\r\n";
}

// GET with further header lines.
inline std::string get(const std::string& target, const std::string& lines = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

// One request that the backend answers: what either side got.
struct Exchanged {
  Message request;
  Message response;
};
inline Exchanged pass(const Proxy& proxy, Backend& backend, const std::string& request,
                      const std::string& lines = "", const std::string& status = "200 OK") {
  Link client = proxy.connect();
  client.send(request);
  Link link = backend.accept();
  Exchanged exchanged;
  exchanged.request = link.read_request();
  link.send("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\nConnection: close\r\n" + lines +
            "\r\nok");
  exchanged.response = client.read_response();
  return exchanged;
}

// "session=..." of a visitor whose session gets these values, as X-Session-Set has them.
inline std::string sign_in(const Proxy& proxy, Backend& backend, const std::string& values,
                           const std::string& cookies = "") {
  const Exchanged exchanged = pass(proxy, backend, get("/login", cookie_line(cookies)),
                                   "X-Session-Set: " + values + "\r\n");
  return "session=" + exchanged.response.set_cookie();
}

}  // namespace keepsake::test
