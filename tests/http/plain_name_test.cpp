// Names read sixteen bytes at a time are the names that are read byte by byte.
#include "http/plain_name.hpp"

#include <string>
#include <vector>

#include "http/chars.hpp"
#include "http/field_names.hpp"
#include "http/head.hpp"
#include "support/catch.hpp"

using namespace keepsake;

namespace {

bool is_plain(char c) {
  return c == '-' || (fold(c) != '-');
}

const FieldTable kNames{{"X-Session-Name", "X-Session-With-A-Name-Of-31-Byt",
                         "X-Session-With-A-Name-Of-32-Byte",
                         "X-Session-With-A-Name-Of-More-Bytes-Than-32"}};

// What parse_request_head makes of one line, with `behind` bytes after the head: with many, names
// are read sixteen bytes at a time, with none, byte by byte.
struct Parsed {
  HeadStatus status;
  std::string why;
  std::string name, value;
  FieldId id = FieldId::Other;
  bool exact = true;
  bool operator==(const Parsed&) const = default;
};

Parsed parse(const std::string& line, std::size_t behind) {
  const std::string data = "GET / HTTP/1.1\r\n" + line + "\r\n\r\n" + std::string(behind, 'x');
  RequestHead head;
  head.reset(100);
  Parsed result{parse_request_head(data, HeadLimits{}, kNames, head), head.why, {}, {}};
  if (result.status == HeadStatus::Ok && head.fields.size() == 1) {
    const Field& field = head.fields[0];
    result.name = field.name;
    result.value = field.value;
    result.id = field.id;
    result.exact = field.exact;
    CHECK(field.line == line + "\r\n");
    CHECK(head.find(field.id) == (field.exact ? &field : nullptr));
  }
  return result;
}

}  // namespace

TEST_CASE("a plain name is read and folded up to its colon, at every length", "[http][name]") {
  const std::string all = "Ab0-Yz9zA-mM5nN_";
  for (std::size_t size = 0; size < 40; ++size) {
    std::string name;
    while (name.size() < size) {
      name += all[name.size() % 15];
    }
    const std::string line = name + ": value" + std::string(32, ' ');
    PlainName plain;
    const bool read = read_plain_name(line.data(), line.data() + line.size(), plain);
    CHECK(read == (size > 0 && size < PlainName::kMost));
    if (read) {
      std::string folded;
      for (const char c : name) {
        folded += fold(c);
      }
      folded.resize(PlainName::kMost);
      CHECK(plain.size == size);
      CHECK(std::string(plain.folded, PlainName::kMost) == folded);
    }
  }
}

TEST_CASE("no byte but letters, digits and the hyphen makes a plain name", "[http][name]") {
  for (const std::size_t place : {0U, 5U, 15U, 16U, 20U}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string line = std::string(21, 'n') + ":" + std::string(32, ' ');
      line[place] = static_cast<char>(byte);
      PlainName plain;
      const bool read = read_plain_name(line.data(), line.data() + line.size(), plain);
      const bool ends_here = byte == ':' && place > 0;
      CHECK(read == (is_plain(static_cast<char>(byte)) || ends_here));
      if (ends_here && read) {
        CHECK(plain.size == place);
      }
    }
  }
}

TEST_CASE("a name that ends too near the end of the bytes is left alone", "[http][name]") {
  const std::string line = "Accept-Encodings:";
  for (std::size_t size = 0; size <= line.size(); ++size) {
    PlainName plain;
    CHECK_FALSE(read_plain_name(line.data(), line.data() + size, plain));
  }
}

TEST_CASE("a header line means the same wherever it stands in the buffer", "[http][name]") {
  std::vector<std::string> lines = {"Host: a",
                                    "hOsT:a",
                                    "Content-Length: 5",
                                    "X_Session_Name: a",
                                    "X-Session-Name: a",
                                    "X.SESSION-NAME:",
                                    "X-Session-With-A-Name-Of-31-Byt: a",
                                    "x-session-with-a-name-of-32-byte: a",
                                    "X-Session-With-A-Name-Of-More-Bytes-Than-32:b",
                                    "X-Forwarded-Proto: https",
                                    "X-Forwarded-Something: a",
                                    "x-forwarded-: a",
                                    "x_forwarded_other: a",
                                    "X-Forwarded:a",
                                    "Sec-CH-UA-Platform: \"Linux\"",
                                    "Upgrade-Insecure-Requests: 1",
                                    ": a",
                                    " Host: a",
                                    "Host : a",
                                    "Host",
                                    "Host\t: a",
                                    "H\xc3\xb6st: a",
                                    "Set-Cookie2: a",
                                    "Cookie:   a=b  ",
                                    "a:",
                                    "-:",
                                    "0: 1"};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::size_t place : {0U, 3U, 11U, 17U}) {
      std::string line = "X-Session-Name-Or-So: value";
      line[place] = static_cast<char>(byte);
      lines.push_back(line);
      line = "X-Session-Name: value";
      line[place % 14] = static_cast<char>(byte);
      lines.push_back(line);
    }
  }
  for (const std::string& line : lines) {
    const Parsed near_the_end = parse(line, 0);
    CHECK(parse(line, 64) == near_the_end);
    CHECK(parse(line, 15) == near_the_end);
  }
}
