// Where a request's body ends (RFC 9112 6): one length, one coding, one spelling.

#include "support/catch.hpp"
#include "wire/refused.hpp"

using namespace keepsake::test;

namespace {

struct Case {
  std::string lines;
  unsigned status;
};

// Each is followed by bytes that some parser takes for a request of its own.
void check_refused(const std::vector<Case>& cases) {
  Backend backend;
  Proxy proxy{backend};
  for (const Case& one : cases) {
    CAPTURE(escaped(one.lines));
    const std::string body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    CHECK(refused(proxy, backend, post(one.lines, body)).status() == one.status);
  }
}

// What the backend receives for a request; the exchange is completed.
Message forwarded(Proxy& proxy, Backend& backend, std::string_view bytes) {
  Link client = proxy.connect();
  client.send(bytes);
  Link link = backend.accept();
  Message request = link.read_request();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  REQUIRE(client.read_response().status() == 200);
  return request;
}

}  // namespace

TEST_CASE("a length and a coding together are refused in either order", "[wire][framing]") {
  check_refused({{"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
                 {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
                 {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400}});
}

TEST_CASE("two different lengths are refused", "[wire][framing]") {
  check_refused({{"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
                 {"Content-Length: 5, 6\r\n", 400},
                 {"Content-Length: 0\r\nX: y\r\ncontent-length: 44\r\n", 400}});
}

TEST_CASE("two equal lengths are refused", "[wire][framing]") {
  check_refused({{"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
                 {"Content-Length: 5, 5\r\n", 400},
                 {"Content-Length: 5,\r\n", 400}});
}

TEST_CASE("a length that is not a plain decimal number is refused", "[wire][framing]") {
  for (const char* length : {"+5", "-5", "0x5", "5 5", "5x", "", "5.0", "5e0", "٥", "\"5\""}) {
    check_refused({{"Content-Length: " + std::string{length} + "\r\n", 400}});
  }
}

TEST_CASE("a length above 2^63-1 is refused", "[wire][framing]") {
  check_refused({{"Content-Length: 9223372036854775808\r\n", 400},
                 {"Content-Length: 18446744073709551615\r\n", 400},
                 {"Content-Length: 18446744073709551616\r\n", 400},
                 {"Content-Length: 18446744073709551621\r\n", 400},
                 // the largest one is a number, and too large a body
                 {"Content-Length: 9223372036854775807\r\n", 413}});
}

TEST_CASE("a length with leading zeros is forwarded without them", "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request = forwarded(proxy, backend, post("Content-Length: 0005\r\n", "hello"));
  CHECK(request.value("Content-Length") == "5");
  CHECK(request.body == "hello");
}

TEST_CASE("a transfer coding other than chunked is 501, a malformed one 400", "[wire][framing]") {
  check_refused({{"Transfer-Encoding: gzip\r\n", 501},
                 {"Transfer-Encoding: gzip, chunked\r\n", 501},
                 {"Transfer-Encoding: chunked, gzip\r\n", 501},
                 {"Transfer-Encoding: identity\r\n", 501},
                 {"Transfer-Encoding: xchunked\r\n", 501},
                 {"Transfer-Encoding: chunked, chunked\r\n", 400},
                 {"Transfer-Encoding: ,chunked\r\n", 400},
                 {"Transfer-Encoding: chunked,\r\n", 400},
                 {"Transfer-Encoding: \"chunked\"\r\n", 400},
                 {"Transfer-Encoding: \r\n", 400},
                 {"Transfer-Encoding: \x0b"
                  "chunked\r\n",
                  400},
                 {"Transfer-Encoding: chunked\x0c\r\n", 400}});
}

TEST_CASE("chunked is understood in any case", "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  const Message request = forwarded(
      proxy, backend, post("transfer-ENCODING: \t ChUnKeD \r\n", "5\r\nhello\r\n0\r\n\r\n"));
  CHECK(request.value("Transfer-Encoding") == "chunked");
  CHECK(request.body == "hello");
}

TEST_CASE("two Transfer-Encoding lines are refused", "[wire][framing]") {
  check_refused({{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
                 {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
                 {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", 400},
                 {"Transfer-Encoding: \r\nTransfer-Encoding: chunked\r\n", 400}});
}

TEST_CASE("an unknown coding together with a length is refused", "[wire][framing]") {
  check_refused({{"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", 400},
                 {"Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", 400},
                 {"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400}});
}

TEST_CASE("a transfer coding in HTTP/1.0 is refused", "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  CHECK(refused(proxy, backend,
                "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                "0\r\n\r\n")
            .status() == 400);
}

TEST_CASE("a header whose name only resembles a framing header neither frames nor passes",
          "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  for (const char* name : {"Transfer_Encoding", "Transfer.Encoding", "Content_Length",
                           "content-length_", "Transfer-Encoding!"}) {
    CAPTURE(name);
    const bool disguise = std::string_view{name}.find_first_of("_.") == 8 ||
                          std::string_view{name} == "Content_Length";
    const Message request = forwarded(proxy, backend,
                                      "POST / HTTP/1.1\r\nHost: a.example\r\n" + std::string{name} +
                                          ": chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
    CHECK(request.value("Content-Length") == "5");
    CHECK(request.body == "0\r\n\r\n");
    CHECK(request.has("Transfer-Encoding") == false);
    CHECK(request.has(name) == !disguise);
  }
}

TEST_CASE("a space before the colon of any header is refused", "[wire][framing]") {
  check_refused({{"Transfer-Encoding : chunked\r\n", 400},
                 {"Content-Length\t: 5\r\n", 400},
                 {"X-Any : 5\r\n", 400}});
}

TEST_CASE("bytes behind a body are the next request and never part of the forwarded one",
          "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  const bool chunked = GENERATE(false, true);
  Link client = proxy.connect();
  client.send(chunked
                  ? post("Transfer-Encoding: chunked\r\n",
                         "5\r\nhello\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: b\r\n\r\n")
                  : post("Content-Length: 5\r\n", "helloGET /next HTTP/1.1\r\nHost: b\r\n\r\n"));
  Link link = backend.accept();
  CHECK(link.read_request().body == "hello");
  CHECK_FALSE(link.readable());
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  CHECK(client.read_response().body == "one");
  const Message second = link.read_request();
  CHECK(second.start_line() == "GET /next HTTP/1.1");
  CHECK(second.value("Host") == "b");
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
  CHECK(client.read_response().body == "two");
}

TEST_CASE("a body is forwarded with its framing whatever the method", "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  for (const std::string method : {"GET", "DELETE", "OPTIONS", "PUT", "PURGE"}) {
    CAPTURE(method);
    const Message counted = forwarded(
        proxy, backend, method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    CHECK(counted.value("Content-Length") == "4");
    CHECK(counted.body == "body");
    const Message chunked =
        forwarded(proxy, backend,
                  method +
                      " / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "4\r\nbody\r\n0\r\n\r\n");
    CHECK(chunked.value("Transfer-Encoding") == "chunked");
    CHECK(chunked.body == "body");
  }
}

TEST_CASE("a request without length and coding has no body whatever the method",
          "[wire][framing]") {
  Backend backend;
  Proxy proxy{backend};
  Link client = proxy.connect();
  client.send("POST /a HTTP/1.1\r\nHost: a\r\n\r\nPUT /b HTTP/1.1\r\nHost: a\r\n\r\n");
  Link link = backend.accept();
  for (const char* line : {"POST /a HTTP/1.1", "PUT /b HTTP/1.1"}) {
    const Message request = link.read_request();
    CHECK(request.start_line() == line);
    CHECK_FALSE(request.has("Content-Length"));
    CHECK_FALSE(request.has("Transfer-Encoding"));
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(client.read_response().status() == 200);
  }
}
