#include "http/original_request.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

struct Request {
  explicit Request(const std::string& lines)
      : text("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n") {
    head.reset(100);
    REQUIRE(parse_request_head(text, {}, FieldTable{}, head) == HeadStatus::Ok);
  }
  std::string text;
  RequestHead head;
};

std::string page(const std::string& lines) {
  const Request request{lines};
  return std::string{read_original_request(request.head).page};
}

std::optional<Method> method(const std::string& lines) {
  return read_original_request(Request{lines}.head).method;
}

}  // namespace

TEST_CASE("the page of the original request is the first of three headers that came",
          "[http][verify]") {
  CHECK(page("X-Original-URL: https://a.example/three\r\nX-Original-URI: /two\r\n"
             "X-Forwarded-Uri: /one?x=1\r\n") == "/one?x=1");
  CHECK(page("X-Original-URL: https://a.example/three\r\nX-Original-URI: /two\r\n") == "/two");
  CHECK(page("X-Original-URL: https://a.example:8443/three?y\r\n") == "/three?y");
  CHECK(page("X-Original-URL: HTTP://a.example\r\n") == "/");
  CHECK(page("x-forwarded-uri: /first\r\nX-Forwarded-Uri: /last,also\r\n") == "/last,also");
  CHECK(page("").empty());
}

TEST_CASE("no page of another host, and none that a browser reads as one", "[http][verify]") {
  for (const char* value : {"//evil", "/\\evil", "/%5Cevil", "/%0d%0aSet-Cookie:x", "evil", "",
                            "https:/evil", "http://a//evil", "http://a?x", "javascript:1"}) {
    INFO(value);
    CHECK(page("X-Forwarded-Uri: " + std::string{value} + "\r\n").empty());
  }
  // A bad value is not passed over for a good one that counts less.
  CHECK(page("X-Forwarded-Uri: //evil\r\nX-Original-URI: /good\r\n").empty());
  CHECK(page("X_Forwarded_Uri: /disguised\r\n").empty());
}

TEST_CASE("the method of the original request is told, or it is not known", "[http][verify]") {
  CHECK(method("X-Forwarded-Method: POST\r\nX-Original-Method: GET\r\n") == Method::Other);
  CHECK(method("X-Original-Method: GET\r\n") == Method::Get);
  CHECK(method("X-Forwarded-Method: HEAD\r\n") == Method::Head);
  CHECK(method("X-Forwarded-Method: get\r\n") == Method::Other);
  CHECK_FALSE(method(""));
  CHECK_FALSE(method("X-Forwarded-Method: \r\n"));
}
