#include "http/chunked.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace keepsake;
using namespace std::string_literals;

namespace {

using Step = ChunkReader::Step;

struct Body {
  Step step = Step::NeedMore;
  std::string data;
  std::vector<std::string> trailers;
  std::size_t used = 0;
};

// Reads `bytes` as they would arrive in parts of `part` bytes.
Body read(const std::string& bytes, std::size_t part = 1 << 20, HeadLimits limits = {},
          ChunkReader::From from = ChunkReader::From::Client) {
  ChunkReader reader{limits, from};
  Body body;
  for (std::size_t have = 0; body.step == Step::NeedMore && have < bytes.size();) {
    have = std::min(bytes.size(), have + part);
    while (true) {
      const auto piece = reader.next(std::string_view{bytes}.substr(body.used, have - body.used));
      body.used += piece.consumed;
      if (piece.step == Step::Data) {
        body.data += piece.data;
      } else if (piece.step == Step::Trailer) {
        body.trailers.emplace_back(piece.trailer.name);
      } else {
        body.step = piece.step;
        break;
      }
    }
  }
  return body;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

}  // namespace

TEST_CASE("a chunked body is its data, however it arrives", "[http][chunked]") {
  const std::string bytes =
      "5\r\nhello\r\n1;a=b;c=\"d;\\\"e\"\r\n \r\n000A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n";
  for (const std::size_t part : {1U, 2U, 3U, 7U, 1000U}) {
    CAPTURE(part);
    const Body body = read(bytes + "GET / HTTP/1.1\r\n", part);
    CHECK(body.step == Step::End);
    CHECK(body.data == "hello 0123456789");
    CHECK(body.trailers == std::vector<std::string>{"X-Sum", "Y"});
    CHECK(body.used == bytes.size());
  }
}

TEST_CASE("every beginning of a chunked body wants more", "[http][chunked]") {
  const std::string bytes = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(read(bytes.substr(0, size)).step == Step::NeedMore);
  }
  CHECK(read(bytes).step == Step::End);
}

TEST_CASE("a malformed chunk is refused (P-13 to P-20)", "[http][chunked]") {
  const std::string bytes = GENERATE(
      "0x5\r\nhello\r\n0\r\n\r\n"s, "0_5\r\nhello\r\n"s, "+5\r\nhello\r\n"s, "-5\r\nhello\r\n"s,
      " 5\r\nhello\r\n"s, "\r\nhello\r\n"s, ";a=b\r\n"s, "5 \r\nhello\r\n"s, "5\t;a\r\nhello\r\n"s,
      "g\r\n"s, "ffffffffffffffff\r\n"s, "8000000000000000\r\n"s, "10000000000000000\r\n"s,
      "5\nhello\n0\n\n"s, "5\r\nhello\n0\r\n\r\n"s, "5\r\nhelloX\r\n0\r\n\r\n"s,
      "5\r\nhello0\r\n\r\n"s, "5\rhello\r\n"s, "5;a\nb\r\nhello\r\n"s, "5;a=\"b\rc\"\r\nhello\r\n"s,
      "5;a=\"\x01\"\r\nhello\r\n"s, "5;a=\"b\r\nhello\r\n0\r\n\r\n"s, "5;a=\"b\\\"\r\nhello\r\n"s,
      "5;\r\nhello\r\n"s, "5;a=\r\nhello\r\n"s, "5;a b\r\nhello\r\n"s, "5;=b\r\nhello\r\n"s,
      "5;a=\"b\"c\r\nhello\r\n"s, "5, 5\r\nhello\r\n"s, "5;a\0\r\nhello\r\n"s);
  CAPTURE(bytes);
  CHECK(read(bytes).step == Step::Bad);
  CHECK(read(bytes, 1).step == Step::Bad);
}

TEST_CASE("the largest size that fits is a size", "[http][chunked]") {
  CHECK(read("7fffffffffffffff\r\nx").step == Step::NeedMore);
  CHECK(read("7fffffffffffffff\r\nx").data == "x");
}

TEST_CASE("a chunk line is bounded (P-15, P-18)", "[http][chunked]") {
  CHECK(read(std::string(40, '0') + "5\r\nhello\r\n0\r\n\r\n").data == "hello");
  CHECK(read(std::string(300, '0')).step == Step::Bad);
  CHECK(read("5;a=" + std::string(300, 'b')).step == Step::Bad);
  const std::string longest = "5;" + std::string(ChunkReader::kMaxLine - 4, 'b') + "\r\n";
  CHECK(read(longest + "hello\r\n0\r\n\r\n").step == Step::End);
  CHECK(read("5;b" + longest.substr(2) + "hello\r\n0\r\n\r\n").step == Step::Bad);
}

TEST_CASE("a flood of framing around little data is refused (P-18)", "[http][chunked]") {
  CHECK(read(repeat("1;" + std::string(200, 'x') + "\r\ny\r\n", 200)).step == Step::Bad);
  // One-byte chunks alone are poor, not hostile.
  CHECK(read(repeat("1\r\ny\r\n", 20000) + "0\r\n\r\n").step == Step::End);
}

TEST_CASE("trailers keep the rules of header lines and their limits (P-21, P-22)",
          "[http][chunked]") {
  const std::string bad = GENERATE("A : b\r\n"s, " A: b\r\n"s, "A: b\r\n c\r\n"s, "no colon\r\n"s,
                                   "A: b\n"s, "A: b\0\r\n"s, ": b\r\n"s);
  CAPTURE(bad);
  CHECK(read("0\r\n" + bad + "\r\n").step == Step::Bad);

  CHECK(read("0\r\n" + repeat("A: b\r\n", 100) + "\r\n").step == Step::End);
  CHECK(read("0\r\n" + repeat("A: b\r\n", 101) + "\r\n").step == Step::Bad);
  CHECK(read("0\r\nA: " + std::string(20000, 'x')).step == Step::Bad);
}

TEST_CASE("a finished body stays finished", "[http][chunked]") {
  ChunkReader reader;
  const std::string bytes = "0\r\n\r\n";
  const auto end = reader.next(bytes);
  CHECK(end.step == Step::End);
  CHECK(end.consumed == bytes.size());
  const auto again = reader.next("5\r\nhello\r\n");
  CHECK(again.step == Step::End);
  CHECK(again.consumed == 0);
}

TEST_CASE("trailers have as many bytes as the limit says, however they arrive", "[http][chunked]") {
  const std::string trailers = "A: 1\r\nB: 22\r\n\r\n";
  const std::size_t part = GENERATE(1U, 2U, 7U, 100U);
  const std::string body = "0\r\n" + trailers;
  CHECK(read(body, part, {trailers.size(), 8, 64}).step == Step::End);
  for (std::size_t less = 1; less < trailers.size(); ++less) {
    CHECK(read(body, part, {trailers.size() - less, 8, 64}).step == Step::Bad);
  }
}

TEST_CASE("the data of all chunks that have come is one run", "[http][chunked]") {
  const std::string whole =
      "1\r\na\r\n1;x=y\r\nb\r\n3\r\ncde\r\n000A\r\n0123456789\r\n1\r\n!\r\n0\r\nX: 1\r\n\r\nmore";
  for (const std::size_t part : {1U, 2U, 3U, 5U, 7U, 11U, 20U, 1000U}) {
    CAPTURE(part);
    ChunkReader reader;
    std::string bytes = whole, data;
    std::size_t runs = 0, used = 0, trailers = 0;
    Step end = Step::NeedMore;
    for (std::size_t have = 0; end == Step::NeedMore && have < bytes.size();) {
      have = std::min(bytes.size(), have + part);
      while (true) {
        const auto piece = reader.next_run(bytes.data() + used, have - used);
        used += piece.consumed;
        if (piece.step == Step::Data) {
          data += piece.data;
          ++runs;
        } else if (piece.step == Step::Trailer) {
          ++trailers;
        } else {
          end = piece.step;
          break;
        }
      }
    }
    CHECK(end == Step::End);
    CHECK(data == "abcde0123456789!");
    CHECK(trailers == 1);
    CHECK(used == whole.size() - 4);
    CHECK((part < 1000 || runs == 1));
  }
}

TEST_CASE("what is malformed behind a run is said after it", "[http][chunked]") {
  for (const std::string bad : {"zz\r\n", "1\r\nxy", "5 \r\n", "1\nx"}) {
    CAPTURE(bad);
    ChunkReader reader;
    std::string bytes = "1\r\na\r\n2\r\nbc\r\n" + bad;
    const auto run = reader.next_run(bytes.data(), bytes.size());
    REQUIRE(run.step == Step::Data);
    CHECK(run.data.substr(0, 3) == "abc");
    for (int i = 0; i < 2; ++i) {
      CHECK(reader.next_run(bytes.data() + run.consumed, bytes.size() - run.consumed).step ==
            Step::Bad);
    }
  }
  ChunkReader reader;
  std::string flood = repeat("1;" + std::string(200, 'x') + "\r\na\r\n", 200);
  const auto run = reader.next_run(flood.data(), flood.size());
  REQUIRE(run.step == Step::Data);
  CHECK(reader.next_run(flood.data() + run.consumed, flood.size() - run.consumed).step ==
        Step::Bad);
}

TEST_CASE("one call reads a bounded number of chunks", "[http][chunked]") {
  std::string bytes = repeat("1\r\na\r\n", 3 * ChunkReader::kMaxRun) + "0\r\n\r\n";
  ChunkReader reader;
  std::size_t used = 0;
  std::size_t data = 0;
  ChunkReader::Piece piece;
  while ((piece = reader.next_run(bytes.data() + used, bytes.size() - used)).step == Step::Data) {
    CHECK(piece.data.size() <= ChunkReader::kMaxRun);
    used += piece.consumed;
    data += piece.data.size();
    CHECK(piece.more);
  }
  CHECK(piece.step == Step::End);
  CHECK(data == 3 * ChunkReader::kMaxRun);
}

TEST_CASE("blanks around sizes and extensions are read in a backend's chunks only",
          "[http][chunked]") {
  const std::string line = GENERATE("5 "s, "5\t"s, "5   \t "s, "5 ;a"s, "5; a"s, "5;a "s,
                                    "5;a = b"s, "5;a=\"b c\" ;d "s, "0005 "s);
  const std::size_t part = GENERATE(1U, 1000U);
  CAPTURE(line, part);
  const std::string bytes = line + "\r\nhello\r\n0 \r\n\r\n";
  const Body body = read(bytes, part, {}, ChunkReader::From::Backend);
  CHECK(body.step == Step::End);
  CHECK(body.data == "hello");
  CHECK(read(bytes, part).step == Step::Bad);
}

TEST_CASE("a backend's chunk line is bounded and strict but for blanks", "[http][chunked]") {
  const std::string bytes =
      GENERATE(" 5\r\nhello\r\n"s, "5 5\r\nhello\r\n"s, "5 x\r\nhello\r\n"s, "5 \nhello\r\n"s,
               " \r\n"s, "5;a b\r\nhello\r\n"s, "5; \r\nhello\r\n"s, "5\v\r\nhello\r\n"s,
               "5 \r\r\nhello\r\n"s, "5" + std::string(300, ' ') + "\r\nhello\r\n");
  CAPTURE(bytes);
  CHECK(read(bytes, 1000, {}, ChunkReader::From::Backend).step == Step::Bad);
  CHECK(read(bytes, 1, {}, ChunkReader::From::Backend).step == Step::Bad);
}
