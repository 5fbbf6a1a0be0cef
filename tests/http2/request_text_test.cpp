#include "http2/request_text.hpp"

#include "http/framing.hpp"
#include "http2/peer.hpp"
#include "support/catch.hpp"

using namespace keepsake;
using namespace keepsake::test;
using namespace std::string_literals;

namespace {

const std::string kKey = "AAECAwQFBgcICQoLDA0ODw==";

// A head that was made of fields, without a session: what no library has looked at before.
struct Made {
  explicit Made(const http2::Fields& fields, HeadLimits given = {}) : limits(given) {
    RequestText text;
    text.begin({&in, &head, &limits, &names});
    for (const auto& [name, value] : fields) {
      text.add(name, value);
    }
    fault = text.finish(kKey);
    why = text.why();
  }
  std::string text() const {
    return head.start_line.empty() ? "" : std::string{head.start_line.data(), head.size};
  }

  BufferPool pool{128 * 1024, 1};
  Buffer in{pool};
  HeadLimits limits;
  FieldTable names{{"X-Session-Name"}};
  RequestHead head;
  Fault fault = Fault::None;
  std::string why;
};

std::string text_of(const http2::Fields& fields) {
  const Made made{fields};
  CHECK(made.fault == Fault::None);
  return made.text();
}

Fault fault_of(const http2::Fields& fields, HeadLimits limits = {}) {
  return Made{fields, limits}.fault;
}

// A request of which one pseudo-field is another; without it when `value` is "(none)".
http2::Fields with(const std::string& name, const std::string& value) {
  http2::Fields fields = http2::get();
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    if (field->first == name) {
      if (value == "(none)") {
        fields.erase(field);
      } else {
        field->second = value;
      }
      return fields;
    }
  }
  fields.emplace_back(name, value);
  return fields;
}

// What a session makes of a request: nothing but a reset, or a fault that is answered, is good.
std::string outcome(const http2::Fields& fields, const std::string& body = "") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, fields, body.empty()) + (body.empty() ? "" : http2::data(1, body)));
  if (!peer.streams.empty() && peer.stream(1).seen.head && !peer.stream(1).closed) {
    TestStream& stream = peer.stream(1);
    if (stream.fault != Fault::None) {
      return "fault";
    }
    return request_framing(stream.request).error == 0 ? "taken" : "framing";
  }
  return peer.reset_code(1) == 1 ? "reset" : "?";
}

bool is_refused(const http2::Fields& fields, const std::string& body = "") {
  const std::string seen = outcome(fields, body);
  return seen == "reset" || seen == "fault" || seen == "framing";
}

}  // namespace

TEST_CASE("fields become the text of an HTTP/1.1 head", "[http2][text]") {
  CHECK(text_of(http2::request("POST", "/a?b=c",
                               {{"accept", "*/*"}, {"content-length", "5"}, {"x-empty", ""}})) ==
        "POST /a?b=c HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\ncontent-length: 5\r\n"
        "x-empty: \r\n\r\n");
}

TEST_CASE("the head is the one that the same text would give over HTTP/1.1", "[http2][text]") {
  const Made made{http2::get("/", {{"x_session.name", "forged"},
                                   {"x-session-name", "forged"},
                                   {"content_length", "5"},
                                   {"user-agent", "test"}})};
  RequestHead parsed;
  parsed.reset(100);
  const std::string text = made.text();
  REQUIRE(parse_request_head(text, {}, made.names, parsed) == HeadStatus::Ok);
  REQUIRE(parsed.fields.size() == made.head.fields.size());
  for (std::size_t i = 0; i < parsed.fields.size(); ++i) {
    CHECK(parsed.fields[i].line == made.head.fields[i].line);
    CHECK(parsed.fields[i].id == made.head.fields[i].id);
    CHECK(parsed.fields[i].exact == made.head.fields[i].exact);
  }
  CHECK(parsed.fields[1].id == FieldId::Injected);
  CHECK_FALSE(parsed.fields[1].exact);
}

TEST_CASE("cookie crumbs become one line, in order, byte for byte, at the end", "[http2][text]") {
  CHECK(text_of(http2::get("/", {{"cookie", "a=1"},
                                 {"accept", "*/*"},
                                 {"cookie", "b=\"2\"; c=3"},
                                 {"cookie", ""},
                                 {"cookie", "d"}})) ==
        "GET / HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\n"
        "Cookie: a=1; b=\"2\"; c=3; ; d\r\n\r\n");
}

TEST_CASE("a thousand crumbs are one line, one more is too many", "[http2][text]") {
  http2::Fields fields = http2::get();
  for (unsigned n = 0; n < 1'000; ++n) {
    fields.emplace_back("cookie", "a=1");
  }
  const Made made{fields};
  CHECK(made.fault == Fault::None);
  CHECK(made.head.fields.size() == 2);
  fields.emplace_back("cookie", "a=1");
  CHECK(fault_of(fields) == Fault::HeadTooLarge);
}

TEST_CASE("the limits of a head are those of HTTP/1.1", "[http2][text]") {
  const HeadLimits limits{200, 3, 50};
  const auto lines = [](unsigned count) {
    http2::Fields fields = http2::get();
    for (unsigned n = 0; n < count; ++n) {
      fields.emplace_back("x-a", "b");
    }
    return fields;
  };
  CHECK(fault_of(lines(2), limits) == Fault::None);  // Host is one, too
  CHECK(fault_of(lines(3), limits) == Fault::HeadTooLarge);
  CHECK(fault_of(http2::get("/" + std::string(49, 'a')), limits) == Fault::None);
  CHECK(fault_of(http2::get("/" + std::string(50, 'a')), limits) == Fault::TargetTooLong);
  CHECK(fault_of(http2::get("/" + std::string(5'000, 'a')), limits) == Fault::TargetTooLong);
  const std::string empty = text_of(http2::get("/", {{"x", ""}}));
  const auto value = [&](std::size_t size) {
    return http2::get("/", {{"x", std::string(size - empty.size(), 'v')}});
  };
  CHECK(fault_of(value(200), limits) == Fault::None);
  CHECK(fault_of(value(201), limits) == Fault::HeadTooLarge);
  CHECK(fault_of(value(100'000), limits) == Fault::HeadTooLarge);
  CHECK(fault_of(http2::get("/", {{"cookie", std::string(300, 'c')}}), limits) ==
        Fault::HeadTooLarge);
}

TEST_CASE("a head that is refused still says whether its response has a body", "[http2][text]") {
  http2::Fields fields = http2::request("HEAD", "/x");
  fields.emplace_back("x-long", std::string(20'000, 'a'));
  const Made made{fields};
  CHECK(made.fault == Fault::HeadTooLarge);
  CHECK(made.head.method == Method::Head);
  CHECK(made.head.target == "/x");
  CHECK(made.head.fields.empty());
  CHECK(made.in.empty());
}

TEST_CASE("host is :authority, or the client's Host where that is missing", "[http2][text]") {
  const http2::Fields both = http2::get("/", {{"host", "A.EXAMPLE"}});
  CHECK(text_of(both) == "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(fault_of(http2::get("/", {{"host", "b.example"}})) == Fault::BadHost);
  CHECK(fault_of(http2::get("/", {{"host", ""}})) == Fault::BadHost);
  CHECK(fault_of(http2::get("/", {{"host", "a.example"}, {"host", "b.example"}})) ==
        Fault::BadHost);
  http2::Fields only = with(":authority", "(none)");
  only.emplace_back("host", "b.example");
  CHECK(text_of(only) == "GET / HTTP/1.1\r\nhost: b.example\r\n\r\n");
  CHECK(fault_of(with(":authority", "")) == Fault::BadHost);
}

TEST_CASE("pseudo-fields are complete, single and first", "[http2][text]") {
  for (const char* name : {":method", ":scheme", ":path"}) {
    CAPTURE(name);
    CHECK(fault_of(with(name, "(none)")) == Fault::BadRequest);
    CHECK(outcome(with(name, "(none)")) == "reset");
  }
  for (const auto& [name, value] : http2::get()) {
    CAPTURE(name);
    http2::Fields twice = http2::get();
    twice.emplace_back(name, value);
    CHECK(fault_of(twice) == Fault::BadRequest);
    CHECK(outcome(twice) == "reset");
    http2::Fields late = with(name, "(none)");
    late.emplace_back("x-a", "b");
    late.emplace_back(name, value);
    CHECK(fault_of(late) == Fault::BadRequest);
    CHECK(outcome(late) == "reset");
  }
  for (const char* name : {":status", ":unknown", ":", ":Path", ":protocol"}) {
    CAPTURE(name);
    CHECK(fault_of(http2::get("/", {{name, "200"}})) == Fault::BadRequest);
    http2::Fields early = http2::get();
    early.insert(early.begin(), {name, "200"});
    CHECK(is_refused(early));
    CHECK(fault_of(early) == Fault::BadRequest);
  }
}

TEST_CASE("a method is one token", "[http2][text]") {
  for (const std::string& method :
       {"GET / HTTP/1.1\r\nX: y"s, "GET "s, "GE T"s, ""s, " GET"s, "GET\r\n"s, "\r\nGET"s, "G\0T"s,
        "GET /x"s, "G\xc3\xa9T"s, std::string(65, 'A')}) {
    CAPTURE(method);
    CHECK(fault_of(with(":method", method)) != Fault::None);
    CHECK(is_refused(with(":method", method)));
  }
  CHECK(text_of(with(":method", "PURGE")) == "PURGE / HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST_CASE("CONNECT and TRACE come to the exchange, which refuses them", "[http2][text]") {
  const Made connect{{{":method", "CONNECT"}, {":authority", "b.example:443"}}};
  CHECK(connect.fault == Fault::None);
  CHECK(connect.head.method == Method::Connect);
  CHECK(connect.text() == "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n");
  CHECK(Made{with(":method", "TRACE")}.head.method == Method::Trace);
  CHECK(fault_of({{":method", "CONNECT"}}) == Fault::BadRequest);
  CHECK(fault_of(with(":method", "CONNECT")) == Fault::BadRequest);  // with a path
}

TEST_CASE("a path is a path and nothing else", "[http2][text]") {
  for (const std::string& path :
       {""s, "hello"s, "*"s, "http://o/"s, "?x"s,
        "//"s.substr(1, 1) + " HTTP/1.1\r\nHost: evil\r\nFoo: x"s, "/a b"s, "/a\tb"s, "/a\rb"s,
        "/a\nb"s, "/a\0b"s, "/a\x01"s, "/a\x7f"s, " /"s, "/ "s, "/\r\n"s}) {
    CAPTURE(path);
    CHECK(fault_of(with(":path", path)) == Fault::BadRequest);
    CHECK(is_refused(with(":path", path)));
  }
  for (const std::string& path : {"/"s, "/%20HTTP/1.1"s, "//a"s, "/a/../b"s, "/a?b?c"s, "/a%"s}) {
    CAPTURE(path);
    CHECK(Made{with(":path", path)}.head.target == path);
    CHECK(outcome(with(":path", path)) == "taken");
  }
  http2::Fields options = with(":path", "*");
  options[0].second = "OPTIONS";
  CHECK(text_of(options) == "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST_CASE("a scheme is http or https", "[http2][text]") {
  for (const char* scheme : {"http", "https", "HTTPS"}) {
    CHECK(fault_of(with(":scheme", scheme)) == Fault::None);
  }
  for (const char* scheme : {"", "ftp", "http://evil/x?", "http:", "https ", "http\r\nX: y"}) {
    CAPTURE(scheme);
    CHECK(fault_of(with(":scheme", scheme)) == Fault::BadRequest);
    CHECK(is_refused(with(":scheme", scheme)));
  }
}

TEST_CASE("an authority cannot say more than a host", "[http2][text]") {
  for (const std::string& host :
       {"a\r\nX: y"s, "a\nX: y"s, "a\rb"s, "a\0b"s, "a\x7f"s, "a\r\n\r\nGET /s HTTP/1.1"s}) {
    CAPTURE(host);
    CHECK(fault_of(with(":authority", host)) == Fault::BadRequest);
    CHECK(is_refused(with(":authority", host)));
  }
  // These are whole lines, and parse_host refuses them as it does for HTTP/1.1.
  for (const char* host : {"u@h", "h/x", "a,b", "h:99999", "h?x", "evil/x"}) {
    CAPTURE(host);
    const Made made{with(":authority", host)};
    if (made.fault == Fault::None) {
      REQUIRE(made.head.fields.size() == 1);
      CHECK(made.head.fields[0].value == host);
    }
  }
}

TEST_CASE("a name is a token in lower case", "[http2][text]") {
  for (const std::string& name :
       {"X-A"s, "foo bar"s, "foo:bar"s, "foo: bar\r\nx"s, "foo\n"s, "foo\r"s, "fo\0o"s, ""s,
        "f\xc3\xb6o"s, "content-length "s, "transfer-encoding : chunked"s, " a"s, "a\t"s,
        "foo: b\r\nTransfer-Encoding"s, "foo: b\r\n\r\nGET /s HTTP/1.1\r\nhost"s, "\x7f"s}) {
    CAPTURE(name);
    CHECK(fault_of(http2::get("/", {{name, "chunked"}})) == Fault::BadRequest);
    CHECK(is_refused(http2::get("/", {{name, "chunked"}})));
  }
}

TEST_CASE("a value is one line", "[http2][text]") {
  for (const std::string& value :
       {"b\r\nTransfer-Encoding: chunked"s, "b\nX: y"s, "b\rX: y"s, "b\0c"s, "\r\n"s, "\n"s, "\r"s,
        "b\r\n\r\nGET /s HTTP/1.1\r\nHost: a"s, "\x01"s, "a\x7f"s, "a\x0b"s}) {
    CAPTURE(value);
    for (const char* name : {"foo", "cookie", "host"}) {
      CAPTURE(name);
      CHECK(fault_of(http2::get("/", {{name, value}})) != Fault::None);
      CHECK(is_refused(http2::get("/", {{name, value}})));
    }
  }
  for (const std::string& value : {" a"s, "a "s, "\ta"s, "a\t"s}) {
    CAPTURE(value);
    CHECK(outcome(http2::get("/", {{"foo", value}})) == "reset");
  }
  for (const std::string& value : {"a\tb"s, "\xff\x80"s, "a b"s, ""s}) {
    CAPTURE(value);
    CHECK(outcome(http2::get("/", {{"foo", value}})) == "taken");
  }
}

TEST_CASE("fields of a connection have no place in HTTP/2", "[http2][text]") {
  const http2::Fields fields{{"connection", "close"},
                             {"connection", "x-session-name"},
                             {"keep-alive", "timeout=5"},
                             {"proxy-connection", "close"},
                             {"transfer-encoding", "chunked"},
                             {"transfer-encoding", "xchunked"},
                             {"transfer-encoding", ""},
                             {"upgrade", "websocket"},
                             {"upgrade", "h2c"},
                             {"te", "gzip"},
                             {"te", "trailers, deflate"},
                             {"te", ""}};
  for (const auto& [name, value] : fields) {
    CAPTURE(name, value);
    CHECK(fault_of(http2::get("/", {{name, value}})) == Fault::BadRequest);
    CHECK(outcome(http2::get("/", {{name, value}})) == "reset");
  }
  CHECK(outcome(http2::get("/", {{"te", "trailers"}})) == "taken");
  CHECK(outcome(http2::get("/", {{"http2-settings", "AAMAAABk"},
                                 {"trailer", "x"},
                                 {"proxy-authorization", "Basic eA=="}})) == "taken");
}

TEST_CASE("a length that is not one number is refused", "[http2][text]") {
  for (const char* length :
       {"5, 5", "+5", "0x5", "", "5 ", "18446744073709551621", "-1", "3, 3", "5;"}) {
    CAPTURE(length);
    const http2::Fields fields = http2::request("POST", "/", {{"content-length", length}});
    CHECK(is_refused(fields, "12345"));
    const Made made{fields};
    CHECK(
        (made.fault != Fault::None || request_framing(made.head).error == 400 || length == "5 "s));
  }
  CHECK(is_refused(http2::request("POST", "/", {{"content-length", "5"}, {"content-length", "5"}}),
                   "12345"));
  CHECK(is_refused(http2::request("POST", "/", {{"content-length", "5"}, {"content-length", "6"}}),
                   "12345"));
}

TEST_CASE("a length with leading zeros is the number", "[http2][text]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/", {{"content-length", "05"}}), false) +
            http2::data(1, "12345"));
  CHECK(request_framing(peer.stream(1).request).length == 5);
}

TEST_CASE("a body that is longer or shorter than its length never looks whole", "[http2][text]") {
  const std::string smuggled = "GET /s HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const char* length : {"0", "3", "1000000", "27"}) {
    CAPTURE(length);
    Peer peer;
    peer.open();
    const http2::Fields fields = http2::request("POST", "/", {{"content-length", length}});
    peer.send(http2::headers(1, fields, false));
    // A head that announces no body waits until there is none.
    CHECK(peer.stream(1).seen.head == (length != "0"s));
    peer.send(http2::data(1, smuggled));
    CHECK(peer.reset_code(1) == 1);
    CHECK(peer.stream(1).seen.closed);
    CHECK_FALSE(peer.stream(1).seen.ended);
    CHECK(peer.stream(1).seen.head == (length != "0"s));
  }
  CHECK(outcome(http2::request("POST", "/", {{"content-length", "28"}}), smuggled) == "taken");
  CHECK(outcome(http2::request("POST", "/", {{"content-length", "10"}})) == "reset");
  CHECK(outcome(http2::request("POST", "/", {{"content-length", "0"}})) == "taken");
}

TEST_CASE("a GET is not told before it is known whether it has a body", "[http2][text]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::get(), false));
  CHECK_FALSE(peer.stream(1).seen.head);
  peer.send(http2::data(1, "", true));
  CHECK(peer.stream(1).seen.head);
  CHECK(peer.stream(1).ended);
  CHECK(peer.stream(1).buffered() == 0);
  peer.send(http2::headers(3, http2::get(), false) + http2::data(3, "body", false));
  CHECK(peer.stream(3).seen.head);
  CHECK_FALSE(peer.stream(3).ended);
  peer.send(http2::headers(5, http2::request("POST", "/"), false) +
            http2::headers(7, http2::get("/", {{"expect", "100-continue"}}), false));
  CHECK(peer.stream(5).seen.head);
  CHECK(peer.stream(7).seen.head);
  CHECK(peer.stream(1).heads == 1);
}

TEST_CASE("padding is not content", "[http2][text]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/", {{"content-length", "2"}}), false) +
            http2::frame(http2::kData, http2::kPadded | http2::kEndStream, 1,
                         std::string("\x03"
                                     "ab\0\0\0",
                                     6)));
  CHECK(peer.stream(1).ended);
  CHECK(peer.stream(1).in.bytes() == "ab");
}

TEST_CASE("request trailers end the body and say nothing", "[http2][text]") {
  Peer peer;
  peer.open();
  peer.send(http2::headers(1, http2::request("POST", "/"), false) + http2::data(1, "abc", false) +
            http2::headers(1, {{"x-session-name", "forged"}, {"host", "b"}, {"x-a", "b"}}));
  CHECK(peer.stream(1).ended);
  CHECK(peer.stream(1).in.bytes() == "abc");
  CHECK(peer.stream(1).request.fields.size() == 1);
}

TEST_CASE("bad request trailers reset the stream", "[http2][text]") {
  const auto reset = [](const http2::Fields& trailers, bool ends = true) {
    Peer peer;
    peer.open();
    peer.send(http2::headers(1, http2::request("POST", "/"), false) + http2::data(1, "abc", false) +
              http2::headers(1, trailers, ends));
    CHECK_FALSE(peer.stream(1).ended);
    return peer.reset_code(1) == 1 || peer.goaway_code() == 1;
  };
  CHECK(reset({{":path", "/x"}}));
  CHECK(reset({{"foo", "b\r\nX: y"}}));
  CHECK(reset({{"Foo", "b"}}));
  CHECK(reset({{"content-length", "3"}}));
  CHECK(reset({{"transfer-encoding", "chunked"}}));
  CHECK(reset({{"x-a", "b"}}, false));
}

TEST_CASE("an extended CONNECT becomes the handshake of a WebSocket", "[http2][text]") {
  const http2::Fields fields{
      {":method", "CONNECT"}, {":protocol", "websocket"},  {":scheme", "https"},
      {":path", "/chat"},     {":authority", "a.example"}, {"sec-websocket-version", "13"},
      {"cookie", "a=1"}};
  const Made made{fields};
  CHECK(made.fault == Fault::None);
  CHECK(made.text() ==
        "GET /chat HTTP/1.1\r\nHost: a.example\r\nsec-websocket-version: 13\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " +
            kKey + "\r\nCookie: a=1\r\n\r\n");
  http2::Fields other = fields;
  other[1].second = "connect-udp";
  CHECK(fault_of(other) == Fault::UnknownCoding);
  other[1].second = "websocket\r\nX: y";
  CHECK(fault_of(other) != Fault::None);
  http2::Fields get = fields;
  get[0].second = "GET";
  CHECK(fault_of(get) == Fault::BadRequest);
  get = fields;
  get[4].second = "";
  CHECK(fault_of(get) == Fault::BadHost);
}
