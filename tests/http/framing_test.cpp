#include "http/framing.hpp"

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

const FieldTable kNames;

Framing of_request(const std::string& lines, const std::string& version = "1.1") {
  const std::string bytes = "POST / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n";
  RequestHead head;
  head.reset(20);
  REQUIRE(parse_request_head(bytes, {}, kNames, head) == HeadStatus::Ok);
  return request_framing(head);
}

Framing of_response(const std::string& lines, unsigned status = 200, bool to_head = false,
                    const std::string& version = "1.1") {
  const std::string bytes =
      "HTTP/" + version + " " + std::to_string(status) + " x\r\n" + lines + "\r\n";
  ResponseHead head;
  head.reset(20);
  REQUIRE(parse_response_head(bytes, {}, kNames, head) == HeadStatus::Ok);
  return response_framing(head, to_head);
}

}  // namespace

TEST_CASE("a request without framing fields has no body (P-25)", "[http][framing]") {
  const Framing framing = of_request("");
  CHECK(framing.error == 0);
  CHECK(framing.kind == BodyKind::None);
  CHECK_FALSE(framing.declared_length);
}

TEST_CASE("one plain Content-Length is taken (P-4, P-5, P-6)", "[http][framing]") {
  const auto [text, length] = GENERATE(table<std::string, std::uint64_t>(
      {{"0", 0}, {"5", 5}, {"0005", 5}, {"9223372036854775807", 9223372036854775807U}}));
  const Framing framing = of_request("Content-Length: " + text + "\r\n");
  CHECK(framing.error == 0);
  CHECK(framing.kind == BodyKind::Length);
  CHECK(framing.length == length);
  CHECK(framing.declared_length);
}

TEST_CASE("any other Content-Length is refused (P-1 to P-5)", "[http][framing]") {
  const std::string lines = GENERATE(
      "Content-Length: +5\r\n", "Content-Length: -5\r\n", "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n", "Content-Length: 5x\r\n", "Content-Length:\r\n",
      "Content-Length: 5.0\r\n", "Content-Length: 5e0\r\n", "Content-Length: 5, 5\r\n",
      "Content-Length: 5, 6\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\ncontent-length: 5\r\n", "Content-Length: 9223372036854775808\r\n",
      "Content-Length: 18446744073709551615\r\n", "Content-Length: 18446744073709551616\r\n",
      "Content-Length: 18446744073709551621\r\n", "Content-Length: \"5\"\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: identity\r\n");
  CAPTURE(lines);
  CHECK(of_request(lines).error == 400);
}

TEST_CASE("one coding named chunked is taken in any case", "[http][framing]") {
  CHECK(of_request("Transfer-Encoding: chunked\r\n").kind == BodyKind::Chunked);
  CHECK(of_request("transfer-encoding: CHUNKED \r\n").kind == BodyKind::Chunked);
}

TEST_CASE("any other Transfer-Encoding is refused (P-7, P-8)", "[http][framing]") {
  const std::string lines =
      GENERATE("Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
               "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: chunked, chunked\r\n",
               "Transfer-Encoding: identity\r\n", "Transfer-Encoding: ,chunked\r\n",
               "Transfer-Encoding: chunked,\r\n", "Transfer-Encoding: \"chunked\"\r\n",
               "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding:\r\n",
               "Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding: chunked foo\r\n",
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n");
  CAPTURE(lines);
  const unsigned error = of_request(lines).error;
  CHECK((error == 400 || error == 501));
}

TEST_CASE("a coding in HTTP/1.0 is refused (P-10)", "[http][framing]") {
  CHECK(of_request("Transfer-Encoding: chunked\r\n", "1.0").error == 400);
}

TEST_CASE("a disguised framing field frames nothing (P-11)", "[http][framing]") {
  const Framing framing = of_request("Transfer_Encoding: chunked\r\nContent.Length: 5\r\n");
  CHECK(framing.error == 0);
  CHECK(framing.kind == BodyKind::None);
}

TEST_CASE("a response ends where its status and head say", "[http][framing]") {
  CHECK(of_response("Content-Length: 5\r\n").kind == BodyKind::Length);
  CHECK(of_response("Transfer-Encoding: chunked\r\n").kind == BodyKind::Chunked);
  CHECK(of_response("").kind == BodyKind::UntilClose);
  CHECK(of_response("Content-Length: 5\r\n", 200, true).kind == BodyKind::None);
  CHECK(of_response("Content-Length: 5\r\n", 200, true).length == 5);
  const unsigned status = GENERATE(100U, 101U, 103U, 204U, 304U);
  const Framing bodiless = of_response("Content-Length: 5\r\n", status);
  CHECK(bodiless.kind == BodyKind::None);
  CHECK(bodiless.error == 0);
  CHECK(bodiless.declared_length);
}

TEST_CASE("an ambiguous response is a bad gateway (P-64, P-65)", "[http][framing]") {
  CHECK(of_response("Content-Length: 5\r\nContent-Length: 6\r\n").error == 502);
  CHECK(of_response("Content-Length: x\r\n").error == 502);
  CHECK(of_response("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n").error == 502);
  CHECK(of_response("Transfer-Encoding: gzip\r\n").error == 502);
  CHECK(of_response("Transfer-Encoding: chunked\r\n", 200, false, "1.0").error == 502);
}
