#include "http/page_load.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

struct Request {
  Request(const std::string& method, const std::string& lines)
      : text(method + " / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n") {
    head.reset(100);
    REQUIRE(parse_request_head(text, {}, FieldTable{}, head) == HeadStatus::Ok);
  }
  std::string text;
  RequestHead head;
};

bool page(const std::string& lines, const std::string& method = "GET") {
  return is_page_load(Request{method, lines}.head);
}

bool top(const std::string& lines) {
  return is_top_page(Request{"GET", lines}.head);
}

bool names_json(const std::string& lines) {
  return names_media_type(Request{"GET", lines}.head, "application/json");
}

}  // namespace

TEST_CASE("a browser says itself when it loads a page", "[http][page]") {
  CHECK(page("Sec-Fetch-Mode: navigate\r\n"));
  CHECK(page("Sec-Fetch-Mode: navigate\r\nAccept: */*\r\n", "HEAD"));
  CHECK_FALSE(page("Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n"));
  CHECK_FALSE(page("Sec-Fetch-Mode: no-cors\r\nAccept: text/html\r\n"));
  CHECK_FALSE(page("Sec-Fetch-Mode: websocket\r\n"));
  CHECK_FALSE(page("Sec-Fetch-Site: same-origin\r\nAccept: text/html\r\n"));
  CHECK_FALSE(page("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Mode: navigate\r\n"));
}

TEST_CASE("a client without Sec-Fetch loads a page where it accepts html", "[http][page]") {
  CHECK(page("Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"));
  CHECK(page("Accept: application/json, Text/HTML;q=0.1\r\n"));
  CHECK(page("Accept: application/json\r\nAccept: text/html\r\n"));
  CHECK_FALSE(page(""));
  CHECK_FALSE(page("Accept: */*\r\n"));
  CHECK_FALSE(page("Accept: text/*\r\n"));
  CHECK_FALSE(page("Accept: text/html;q=0\r\n"));
  CHECK_FALSE(page("Accept: text/html; q=0.000\r\n"));
  CHECK_FALSE(page("Accept: text/htmlx\r\n"));
}

TEST_CASE("only GET and HEAD load pages", "[http][page]") {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "get"}) {
    CAPTURE(method);
    CHECK_FALSE(page("Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n", method));
  }
}

TEST_CASE("a frame within a page is no page of its own", "[http][page]") {
  CHECK(top("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"));
  CHECK(top("Accept: text/html\r\n"));
  CHECK_FALSE(top("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"));
  CHECK_FALSE(top("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: object\r\n"));
  CHECK_FALSE(top("Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: document\r\n"));
}

TEST_CASE("a media type is named or it is not", "[http][page]") {
  CHECK(names_json("Accept: application/json\r\n"));
  CHECK(names_json("Accept: text/plain, application/json;q=0.5\r\n"));
  CHECK_FALSE(names_json("Accept: */*\r\n"));
  CHECK_FALSE(names_json("Accept: application/json;q=0\r\n"));
  CHECK_FALSE(names_json("Accept: application/problem+json\r\n"));
  CHECK_FALSE(names_json(""));
}
