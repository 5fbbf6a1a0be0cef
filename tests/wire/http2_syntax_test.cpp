// Requests that are malformed in HTTP/2 (RFC 9113 8): each ends its own stream, by a reset or by a
// page of 4xx, reaches no backend, and leaves the connection to others.

#include "support/catch.hpp"
#include "wire/http2_client.hpp"

using namespace keepsake;
using namespace keepsake::test;
namespace h2 = keepsake::test::http2;

namespace {

constexpr std::uint32_t kProtocolError = 1;

h2::Fields post(const h2::Fields& more) {
  return h2::request("POST", "/", more);
}

// A request whose pseudo-fields are these.
h2::Fields pseudo(const std::string& method, const std::string& path,
                  const std::string& scheme = "http", const std::string& authority = "a") {
  return {{":method", method}, {":scheme", scheme}, {":authority", authority}, {":path", path}};
}

h2::Fields without(const std::string& name) {
  h2::Fields fields = h2::get();
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

// Sends them with a body; "reset", or the status of the answer.
std::string verdict(Http2Client& client, const h2::Fields& fields, const std::string& body = "") {
  const std::uint32_t stream = client.open();
  client.send(h2::headers(stream, fields, body.empty()) +
              (body.empty() ? "" : h2::data(stream, body)));
  client.until([&] { return client.at(stream).reset || client.at(stream).ended; });
  const Http2Client::Answer& answer = client.at(stream);
  if (answer.head.empty()) {
    CHECK(answer.code == kProtocolError);
    return "reset";
  }
  return answer.status();
}

void check_refused(const std::vector<h2::Fields>& requests, const std::string& body = "") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  for (const h2::Fields& fields : requests) {
    std::string shown;
    for (const auto& [name, value] : fields) {
      shown += escaped(name) + "=" + escaped(value).substr(0, 60) + " ";
    }
    INFO(shown);
    const std::string said = verdict(client, fields, body);
    CHECK((said == "reset" || said.starts_with("4")));
    CHECK_FALSE(backend.has_connection());
  }
  CHECK(client.finish(client.ask(h2::get("/setName"))).status() == "405");
  CHECK_FALSE(client.went_away());
}

}  // namespace

TEST_CASE("a length that is not that of the body reaches no backend", "[wire][http2]") {
  std::vector<h2::Fields> requests;
  for (const char* length : {"0", "+28", "0x1c", "28 ", " 28", "28, 28", "28,28", "",
                             "18446744073709551644", "-1", "2 8", "28\r\n", "1c"}) {
    requests.push_back(post({{"content-length", length}}));
  }
  requests.push_back(post({{"content-length", "28"}, {"content-length", "28"}}));
  requests.push_back(post({{"content-length", "28"}, {"content-length", "0"}}));
  check_refused(requests, "GET /s HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("a length without a body reaches no backend", "[wire][http2]") {
  check_refused({post({{"content-length", "10"}}), h2::get("/", {{"content-length", "1"}})});
}

TEST_CASE("fields of a connection are refused over HTTP/2", "[wire][http2]") {
  std::vector<h2::Fields> requests;
  for (const char* coding : {"chunked", "Chunked", "xchunked", "identity", "gzip, chunked", ""}) {
    requests.push_back(post({{"transfer-encoding", coding}}));
  }
  for (const char* name : {"connection", "keep-alive", "proxy-connection", "upgrade"}) {
    requests.push_back(post({{name, "x-session-name"}}));
  }
  requests.push_back(post({{"te", "gzip"}}));
  requests.push_back(post({{"te", "trailers, deflate"}}));
  check_refused(requests, "0\r\n\r\nGET /s HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("names and values that are none are refused over HTTP/2", "[wire][http2]") {
  std::vector<h2::Fields> requests;
  for (const std::string& name :
       {std::string{"Foo"}, std::string{"foo bar"}, std::string{"foo:bar"},
        std::string{"foo: b\r\ntransfer-encoding"}, std::string{"foo\n"}, std::string("fo\0o", 4),
        std::string{}, std::string{"content-length "}, std::string{"f\xc3\xb6"},
        std::string{"foo\t"}, std::string{"x-session-name\r"}, std::string{"Content-Length"},
        std::string{"Transfer-Encoding"}}) {
    requests.push_back(h2::get("/", {{name, "1"}}));
  }
  for (const std::string& value :
       {std::string{"b\r\ntransfer-encoding: chunked"}, std::string{"b\nx: y"},
        std::string{"b\rx: y"}, std::string("b\0c", 3), std::string{"\x01"}, std::string{"b\x7f"},
        std::string{" b"}, std::string{"b "}, std::string{"\tb"}, std::string{"b\t"},
        std::string{"b\r\n\r\nGET /s HTTP/1.1\r\nHost: a"}}) {
    requests.push_back(h2::get("/", {{"foo", value}}));
    requests.push_back(h2::get("/", {{"cookie", value}}));
  }
  check_refused(requests);
}

TEST_CASE("pseudo-fields that do not make a request are refused", "[wire][http2]") {
  std::vector<h2::Fields> requests{without(":method"), without(":scheme"), without(":path"),
                                   without(":authority")};
  for (const char* name : {":method", ":scheme", ":path", ":authority"}) {
    h2::Fields twice = h2::get();
    twice.insert(twice.begin(), {name, h2::value_of(twice, name)});
    requests.push_back(twice);
    requests.push_back(h2::get("/", {{"x", "y"}, {name, "late"}}));
  }
  requests.push_back(h2::get("/", {{":status", "200"}}));
  requests.push_back(h2::get("/", {{":unknown", "x"}}));
  requests.push_back(h2::get("/", {{":protocol", "websocket"}}));
  for (const char* method :
       {"", "GET ", " GET", "GE T", "GET / HTTP/1.1\r\nX: y", "GET\n", "G(T", "CONNECT", "TRACE"}) {
    requests.push_back(pseudo(method, "/"));
  }
  for (const std::string& path :
       {std::string{""}, std::string{"hello"}, std::string{"*"}, std::string{"?x"},
        std::string{"http://o/"}, std::string{"/ HTTP/1.1\r\nHost: evil\r\nFoo: x"},
        std::string{"/a b"}, std::string{"/a\tb"}, std::string{"/a\r\nb"}, std::string("/a\0b", 4),
        std::string{"/a#f"}, std::string{"/\xc3\xa4"}, std::string{"/../x"},
        std::string{"/\x7f"}}) {
    requests.push_back(pseudo("GET", path));
  }
  for (const char* scheme : {"", "ftp", "http://evil/x?", "https\r\nx: y", "http:", "HTT P"}) {
    requests.push_back(pseudo("GET", "/", scheme));
  }
  check_refused(requests);
}

TEST_CASE("an authority is one host, and the only one", "[wire][http2]") {
  std::vector<h2::Fields> requests;
  for (const std::string& host :
       {std::string{""}, std::string{"u@h"}, std::string{"evil/x"}, std::string{"a,b"},
        std::string{"h:99999"}, std::string{"h?x"}, std::string{"a b"}, std::string{"h#f"},
        std::string{"a\r\nx: y"}, std::string{"[::1"}, std::string{"h:x"}}) {
    requests.push_back(pseudo("GET", "/", "http", host));
    h2::Fields only = without(":authority");
    only.emplace_back("host", host);
    requests.push_back(only);
  }
  requests.push_back(pseudo("GET", "/"));
  requests.back().emplace_back("host", "b");
  requests.push_back(pseudo("GET", "/"));
  requests.back().insert(requests.back().end(), {{"host", "a"}, {"host", "b"}});
  h2::Fields two = without(":authority");
  two.insert(two.end(), {{"host", "a"}, {"host", "a"}});
  requests.push_back(two);
  check_refused(requests);
}

TEST_CASE("what is unusual and well-formed reaches the backend", "[wire][http2]") {
  Backend backend;
  Proxy proxy{backend};
  Http2Client client{proxy};
  h2::Fields host_alone = without(":authority");
  host_alone.emplace_back("host", "only.example");
  h2::Fields both = pseudo("GET", "/", "http", "App.Example");
  both.emplace_back("host", "app.example");
  const std::vector<h2::Fields> requests{
      host_alone,
      both,
      pseudo("GET", "//a/./b"),
      pseudo("OPTIONS", "/x", "https"),
      pseudo("PURGE", "/%zz"),
      h2::get("/", {{"x", "in\tside"}, {"y", "\xff"}, {"z", ""}}),
      h2::get("/", {{"cookie", ""}, {"cookie", "a=1"}}),
      h2::get("/ok;p=1?a=%0d%0a")};
  for (const h2::Fields& fields : requests) {
    const std::uint32_t stream = client.ask(fields);
    Link link = backend.accept();
    const Message request = link.read_request();
    CHECK(request.start_line() ==
          h2::value_of(fields, ":method") + " " + h2::value_of(fields, ":path") + " HTTP/1.1");
    CHECK(request.values("Host").size() == 1);
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK(client.finish(stream).status() == "200");
  }
}
