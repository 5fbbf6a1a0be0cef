#include "http/head.hpp"

#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace keepsake;
using namespace std::string_literals;

namespace {

const FieldTable kNames{{"X-Session-Name"}};
const std::string kHost = "Host: a.example\r\n";

struct Request {
  std::unique_ptr<const std::string> bytes;  // what the head's views point into
  HeadStatus status = HeadStatus::NeedMore;
  RequestHead head;
};

Request parse(const std::string& bytes, const HeadLimits& limits = {}) {
  Request request;
  request.bytes = std::make_unique<const std::string>(bytes);
  request.head.reset(limits.fields);
  request.status = parse_request_head(*request.bytes, limits, kNames, request.head);
  return request;
}

HeadStatus status_of(const std::string& bytes, const HeadLimits& limits = {}) {
  return parse(bytes, limits).status;
}

HeadStatus with_line(const std::string& line) {
  return status_of("GET / HTTP/1.1\r\n" + kHost + line + "\r\n\r\n");
}

HeadStatus response_status(const std::string& bytes, const HeadLimits& limits = {}) {
  ResponseHead head;
  head.reset(limits.fields);
  return parse_response_head(bytes, limits, kNames, head);
}

}  // namespace

TEST_CASE("a request head becomes a flat list of views in order", "[http][head]") {
  const std::string bytes =
      "POST /setName?x=1 HTTP/1.1\r\nHost: a.example\r\nX-A:1\r\nx-a: \t two words\t \r\n"
      "Empty:\r\nX-Obs: \xff\xc3\xab\r\n\r\nname=Bob";
  const Request request = parse(bytes);
  REQUIRE(request.status == HeadStatus::Ok);
  const RequestHead& head = request.head;
  CHECK(head.method == Method::Post);
  CHECK(head.method_text == "POST");
  CHECK(head.target == "/setName?x=1");
  CHECK(head.minor == 1);
  CHECK(head.start_line == "POST /setName?x=1 HTTP/1.1\r\n");
  CHECK(head.size == bytes.size() - 8);
  REQUIRE(head.fields.size() == 5);
  CHECK(head.fields[0].id == FieldId::Host);
  CHECK(head.find(FieldId::Host) == &head.fields[0]);
  CHECK_FALSE(head.has(FieldId::Cookie));
  CHECK(head.fields[1].name == "X-A");
  CHECK(head.fields[1].value == "1");
  CHECK(head.fields[2].line == "x-a: \t two words\t \r\n");
  CHECK(head.fields[2].value == "two words");
  CHECK(head.fields[3].value.empty());
  CHECK(head.fields[4].value == "\xff\xc3\xab");
}

TEST_CASE("a head that arrives byte by byte is the same head", "[http][head]") {
  const std::string bytes = "\r\nGET /a HTTP/1.0\r\n" + kHost + "Cookie: a=1\r\n\r\n";
  RequestHead head;
  head.reset(10);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    REQUIRE(parse_request_head({bytes.data(), size}, {}, kNames, head) == HeadStatus::NeedMore);
  }
  REQUIRE(parse_request_head(bytes, {}, kNames, head) == HeadStatus::Ok);
  CHECK(head.size == bytes.size());
  CHECK(head.minor == 0);
  CHECK(head.fields.size() == 2);
  CHECK(head.find(FieldId::Cookie)->value == "a=1");
}

TEST_CASE("up to two empty lines before a request line are skipped (P-33)", "[http][head]") {
  CHECK(status_of("\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n") == HeadStatus::Ok);
  const Request two = parse("\r\n\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n");
  CHECK(two.status == HeadStatus::Ok);
  CHECK(two.head.start_line == "GET / HTTP/1.1\r\n");
  CHECK(status_of("\r\n\r\n\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n") == HeadStatus::Bad);
  CHECK(status_of("\nGET / HTTP/1.1\r\n" + kHost + "\r\n") == HeadStatus::Bad);
}

TEST_CASE("a malformed request line is refused", "[http][head]") {
  const auto [line, status] =
      GENERATE(table<std::string, HeadStatus>({{"GET  / HTTP/1.1", HeadStatus::Bad},
                                               {"GET /  HTTP/1.1", HeadStatus::Bad},
                                               {"GET / HTTP/1.1 ", HeadStatus::Bad},
                                               {" GET / HTTP/1.1", HeadStatus::Bad},
                                               {"GET\t/ HTTP/1.1", HeadStatus::Bad},
                                               {"GET /\tHTTP/1.1", HeadStatus::Bad},
                                               {"G(T / HTTP/1.1", HeadStatus::Bad},
                                               {"/ HTTP/1.1", HeadStatus::Bad},
                                               {"GET /", HeadStatus::Bad},
                                               {"GET", HeadStatus::Bad},
                                               {"GET / http/1.1", HeadStatus::Bad},
                                               {"GET / HTTP/1.32", HeadStatus::Bad},
                                               {"GET / HTTP/11", HeadStatus::Bad},
                                               {"GET / HTTP/1,1", HeadStatus::Bad},
                                               {"GET / HTTPS/1.1", HeadStatus::Bad},
                                               {"GET /Zo\xc3\xab HTTP/1.1", HeadStatus::Bad},
                                               {"GET / HTTP/1.1\r", HeadStatus::Bad},
                                               {"GET /\x01 HTTP/1.1", HeadStatus::Bad},
                                               {"GET / HTTP/2.0", HeadStatus::BadVersion},
                                               {"GET / HTTP/0.9", HeadStatus::BadVersion},
                                               {"GET / HTTP/9.9", HeadStatus::BadVersion},
                                               {"PRI * HTTP/2.0", HeadStatus::BadVersion},
                                               {"GET / HTTP/1.2", HeadStatus::Ok},
                                               {"BREW /pot HTTP/1.1", HeadStatus::Ok},
                                               {"get / HTTP/1.1", HeadStatus::Ok}}));
  CAPTURE(line);
  CHECK(status_of(line + "\r\n" + kHost + "\r\n") == status);
}

TEST_CASE("methods are known by their exact names", "[http][head]") {
  const auto [text, method] = GENERATE(table<std::string, Method>({{"GET", Method::Get},
                                                                   {"HEAD", Method::Head},
                                                                   {"PUT", Method::Put},
                                                                   {"DELETE", Method::Delete},
                                                                   {"OPTIONS", Method::Options},
                                                                   {"PATCH", Method::Patch},
                                                                   {"CONNECT", Method::Connect},
                                                                   {"TRACE", Method::Trace},
                                                                   {"get", Method::Other},
                                                                   {"GETS", Method::Other},
                                                                   {"M-SEARCH", Method::Other}}));
  CHECK(parse(text + " / HTTP/1.1\r\n" + kHost + "\r\n").head.method == method);
}

TEST_CASE("a header line that two parsers could read differently is refused", "[http][head]") {
  const std::string line =
      GENERATE("A : b"s, "A\t: b"s, " A: b"s, "\tA: b"s, ": b"s, "A b: c"s, "A(: b"s,
               "Zo\xc3\xab: x"s, "no colon"s, "A: b\0c"s, "A\0: b"s, "A: b\x01"s, "A: b\x7f"s,
               "A: b\rc"s, "A: b\r"s, "A: b\r\n c"s, "A: b\r\n\tc"s, "A: b\nC: d"s,
               "Transfer-Encoding:\r\n chunked"s, "\""s, "A: \x1f"s);
  CAPTURE(line);
  CHECK(with_line(line) == HeadStatus::Bad);
}

TEST_CASE("ordinary and odd but clear header lines are taken", "[http][head]") {
  const std::string line = GENERATE("A: b"s, "A:b"s, "A:"s, "A: "s, "A:\t\tb\t"s, "A: b\tc"s,
                                    "!#$%&'*+-.^_`|~: x"s, "A: \x80\xff"s, "A: :::"s, "0: 1"s);
  CAPTURE(line);
  CHECK(with_line(line) == HeadStatus::Ok);
}

TEST_CASE("every control byte is found wherever it stands in a long value", "[http][head]") {
  for (std::size_t at = 0; at < 40; ++at) {
    for (unsigned c = 0; c < 256; ++c) {
      std::string value(40, 'x');
      value[at] = static_cast<char>(c);
      const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
      if ((with_line("A: " + value) == HeadStatus::Ok) == control) {
        CAPTURE(at, c);
        FAIL();
      }
    }
  }
}

TEST_CASE("a bare line feed ends nothing (P-26)", "[http][head]") {
  CHECK(status_of("GET / HTTP/1.1\n" + kHost + "\r\n") == HeadStatus::Bad);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\n\r\n") == HeadStatus::Bad);
  CHECK(status_of("GET / HTTP/1.1\r\n" + kHost + "\n") == HeadStatus::Bad);
  CHECK(status_of("GET / HTTP/1.1\r\n" + kHost + "\r\rX") == HeadStatus::Bad);
}

TEST_CASE("the limits of a head have their own answers (P-42)", "[http][head][limits]") {
  const std::string start = "GET / HTTP/1.1\r\n";
  SECTION("a target one byte too long") {
    const HeadLimits limits{1000, 10, 20};
    CHECK(status_of("GET /" + std::string(19, 'a') + " HTTP/1.1\r\n\r\n", limits) ==
          HeadStatus::Ok);
    CHECK(status_of("GET /" + std::string(20, 'a') + " HTTP/1.1\r\n\r\n", limits) ==
          HeadStatus::TargetTooLong);
    // Known before the line ends.
    CHECK(status_of("GET /" + std::string(20, 'a'), limits) == HeadStatus::TargetTooLong);
  }
  SECTION("a header line too many") {
    const HeadLimits limits{1000, 2, 20};
    CHECK(status_of(start + "A: 1\r\nB: 2\r\n\r\n", limits) == HeadStatus::Ok);
    CHECK(status_of(start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits) == HeadStatus::TooLarge);
  }
  SECTION("a byte too many") {
    const std::string head = start + "A: " + std::string(50, 'x') + "\r\n\r\n";
    CHECK(status_of(head, {head.size(), 10, 20}) == HeadStatus::Ok);
    CHECK(status_of(head, {head.size() - 1, 10, 20}) == HeadStatus::TooLarge);
    // A line that never ends is refused once the limit is full.
    CHECK(status_of(head.substr(0, 60), {60, 10, 20}) == HeadStatus::TooLarge);
    CHECK(status_of(head.substr(0, 59), {60, 10, 20}) == HeadStatus::NeedMore);
  }
  SECTION("a method that never ends") {
    CHECK(status_of(std::string(65, 'A')) == HeadStatus::Bad);
  }
}

TEST_CASE("a pipelined request behind the head is left alone", "[http][head]") {
  const std::string first = "GET /1 HTTP/1.1\r\n" + kHost + "\r\n";
  const Request request = parse(first + "GET /2 HTTP/1.1\r\n");
  CHECK(request.status == HeadStatus::Ok);
  CHECK(request.head.size == first.size());
}

TEST_CASE("the first exact line of a name is the one found", "[http][head]") {
  const Request request =
      parse("GET / HTTP/1.1\r\nCOOKIE: a\r\nCookie_: x\r\ncookie: b\r\nX_Session-Name: e\r\n\r\n");
  REQUIRE(request.status == HeadStatus::Ok);
  CHECK(request.head.find(FieldId::Cookie)->value == "a");
  CHECK(request.head.fields[1].id == FieldId::Other);
  CHECK(request.head.fields[3].id == FieldId::Injected);
  CHECK_FALSE(request.head.fields[3].exact);
  CHECK_FALSE(request.head.has(FieldId::Injected));
}

TEST_CASE("a status line is read, with or without its reason", "[http][head][response]") {
  const auto [line, status, code] = GENERATE(
      table<std::string, HeadStatus, unsigned>({{"HTTP/1.1 200 OK", HeadStatus::Ok, 200},
                                                {"HTTP/1.1 200 ", HeadStatus::Ok, 200},
                                                {"HTTP/1.1 200", HeadStatus::Ok, 200},
                                                {"HTTP/1.0 404 Not Found", HeadStatus::Ok, 404},
                                                {"HTTP/1.1 999 Gr\xc3\xbc\xc3\x9f"
                                                 "e",
                                                 HeadStatus::Ok, 999},
                                                {"HTTP/1.1 099 Low", HeadStatus::Bad, 0},
                                                {"HTTP/1.1 2000 OK", HeadStatus::Bad, 0},
                                                {"HTTP/1.1 20 OK", HeadStatus::Bad, 0},
                                                {"HTTP/1.1 2x0 OK", HeadStatus::Bad, 0},
                                                {"HTTP/1.1  200 OK", HeadStatus::Bad, 0},
                                                {"HTTP/1.1\t200 OK", HeadStatus::Bad, 0},
                                                {"HTTP/2.0 200 OK", HeadStatus::Bad, 0},
                                                {"http/1.1 200 OK", HeadStatus::Bad, 0},
                                                {"not http at all", HeadStatus::Bad, 0},
                                                {"HTTP/1.1 200 O\x01K", HeadStatus::Bad, 0},
                                                {"\r\nHTTP/1.1 200 OK", HeadStatus::Bad, 0}}));
  CAPTURE(line);
  ResponseHead head;
  head.reset(10);
  CHECK(parse_response_head(line + "\r\nA: b\r\n\r\n", {}, kNames, head) == status);
  if (status == HeadStatus::Ok) {
    CHECK(head.status == code);
    CHECK(head.fields.size() == 1);
  }
}

TEST_CASE("a backend that does not speak HTTP is known by its first byte",
          "[http][head][response]") {
  CHECK(response_status("") == HeadStatus::NeedMore);
  CHECK(response_status("HTT") == HeadStatus::NeedMore);
  CHECK(response_status("x") == HeadStatus::Bad);
  CHECK(response_status("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n") == HeadStatus::Bad);
  CHECK(response_status("HTTP/1.1 200 OK\r\nno colon\r\n\r\n") == HeadStatus::Bad);
  CHECK(response_status("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", {1000, 1, 10}) ==
        HeadStatus::TooLarge);
}

TEST_CASE("a name is known in every dress (P-46)", "[http][field-names]") {
  const auto [name, id, exact] = GENERATE(
      table<std::string, FieldId, bool>({{"X-Session-Name", FieldId::Injected, true},
                                         {"x-session-NAME", FieldId::Injected, true},
                                         {"X_Session_Name", FieldId::Injected, false},
                                         {"X.Session.Name", FieldId::Injected, false},
                                         {"X-Session~Name", FieldId::Injected, false},
                                         {"X-SessionName", FieldId::Other, true},
                                         {"X-Session-Names", FieldId::Other, true},
                                         {"Transfer-Encoding", FieldId::TransferEncoding, true},
                                         {"Transfer_Encoding", FieldId::TransferEncoding, false},
                                         {"Content.Length", FieldId::ContentLength, false},
                                         {"X-Forwarded-For", FieldId::XForwardedFor, true},
                                         {"X_Forwarded_For", FieldId::XForwardedFor, false},
                                         {"X-Forwarded-Prefix", FieldId::XForwardedOther, true},
                                         {"X_Forwarded-User", FieldId::XForwardedOther, false},
                                         {"X-Forwarded-", FieldId::Other, true},
                                         {"Forwarded", FieldId::Forwarded, true},
                                         {"X-Real_IP", FieldId::XRealIp, false},
                                         {"HOST", FieldId::Host, true},
                                         {"cookie", FieldId::Cookie, true},
                                         {"Cookie2", FieldId::Other, true}}));
  CAPTURE(name);
  const FieldName found = kNames.find(name);
  CHECK(found.id == id);
  if (id != FieldId::Other) {
    CHECK(found.exact == exact);
  }
}
