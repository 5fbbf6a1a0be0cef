#include "http/chunked.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "http/chars.hpp"
#include "http/hex.hpp"

namespace keepsake {

namespace {

constexpr std::uint64_t kMaxChunk = std::numeric_limits<std::int64_t>::max();
// Framing may exceed the data by this much in all before it is taken for a flood: a body of
// one-byte chunks with long extensions costs more to read than it brings.
constexpr std::uint64_t kMaxOverhead = 16 * 1024;

ChunkReader::Piece bad(const char* why) {
  ChunkReader::Piece piece;
  piece.step = ChunkReader::Step::Bad;
  piece.why = why;
  return piece;
}

void skip_blanks(std::string_view& text, bool allowed) {
  while (allowed && !text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
}

bool skip_token(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_token(text[n])) {
    ++n;
  }
  text.remove_prefix(n);
  return n != 0;
}

bool skip_quoted(std::string_view& text) {
  std::size_t n = 1;
  while (n < text.size() && text[n] != '"') {
    n += text[n] == '\\' ? 2U : 1U;
  }
  if (n >= text.size()) {
    return false;
  }
  text.remove_prefix(n + 1);
  return true;
}

// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) BWS, RFC 9112 7.1.1. Without
// `blanks` every BWS is refused, and so are the blanks behind a size.
bool valid_extensions(std::string_view text, bool blanks) {
  skip_blanks(text, blanks);
  while (!text.empty()) {
    if (text.front() != ';') {
      return false;
    }
    text.remove_prefix(1);
    skip_blanks(text, blanks);
    if (!skip_token(text)) {
      return false;
    }
    skip_blanks(text, blanks);
    if (text.empty() || text.front() != '=') {
      continue;
    }
    text.remove_prefix(1);
    skip_blanks(text, blanks);
    if (text.empty() || !(text.front() == '"' ? skip_quoted(text) : skip_token(text))) {
      return false;
    }
    skip_blanks(text, blanks);
  }
  return true;
}

// The framing that a chunk may have: 16 bytes are ordinary; data pays for the rest.
std::uint64_t paid_by(std::uint64_t size) {
  return 16 + 2 * std::min(size, kMaxOverhead);
}

// The end of a chunk and the size line of the next, when that is the usual one: no extensions, at
// most four digits, not the last. Returns their bytes, or 0 for anything else.
std::size_t read_usual_line(std::string_view input, std::size_t& size) {
  constexpr std::size_t kMaxUsual = 2 + 4;
  if (input.size() < kMaxUsual || input[0] != '\r' || input[1] != '\n') {
    return 0;
  }
  size = 0;
  std::size_t i = 2;
  for (int digit = 0; i < kMaxUsual && (digit = hex_value(input[i])) >= 0; ++i) {
    size = (size << 4U) | static_cast<unsigned>(digit);
  }
  const bool usual = size != 0 && i + 2 <= input.size() && input[i] == '\r' && input[i + 1] == '\n';
  return usual ? i + 2 : 0;
}

}  // namespace

ChunkReader::Piece ChunkReader::read_size_line(std::string_view input) {
  const std::string_view line = input.substr(0, kMaxLine);
  std::size_t i = 0;
  std::uint64_t size = 0;
  for (; i < line.size(); ++i) {
    const int digit = hex_value(line[i]);
    if (digit < 0) {
      break;
    }
    if (size > (kMaxChunk >> 4U)) {
      return bad("chunk size too large");
    }
    size = (size << 4U) | static_cast<unsigned>(digit);
  }
  const auto may_follow = [this](char c) {
    return c == ';' || c == '\r' || (blanks_ && is_space(c));
  };
  if (i < line.size() && (i == 0 || !may_follow(line[i]))) {
    return bad("malformed chunk size");
  }
  std::size_t end = i;
  while (end < line.size() && line[end] != '\r') {
    const auto c = static_cast<unsigned char>(line[end]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) {
      return bad("control byte in a chunk extension");
    }
    ++end;
  }
  if (end + 1 >= line.size()) {
    return line.size() >= kMaxLine ? bad("chunk line too long") : Piece{};
  }
  if (line[end + 1] != '\n') {
    return bad("bare CR in a chunk line");
  }
  if (!valid_extensions(line.substr(i, end - i), blanks_)) {
    return bad("malformed chunk extension");
  }
  Piece piece;
  piece.consumed = end + 2;
  overhead_ += piece.consumed + 2;
  overhead_ -= std::min(overhead_, paid_by(size));
  if (overhead_ > kMaxOverhead) {
    return bad("too much chunk framing");
  }
  left_ = size;
  state_ = size == 0 ? State::Trailer : State::Data;
  return piece;
}

ChunkReader::Piece ChunkReader::read_trailer(std::string_view input) {
  Piece piece;
  switch (parse_field_line(input, piece.trailer, piece.consumed, piece.why)) {
    case HeadStatus::Ok:
      break;
    case HeadStatus::NeedMore:
      return trailer_bytes_ + input.size() >= limits_.bytes ? bad("trailers too large") : Piece{};
    default:
      piece.step = Step::Bad;
      return piece;
  }
  trailer_bytes_ += piece.consumed;
  if (trailer_bytes_ > limits_.bytes) {  // with the empty line, as of a head
    return bad("trailers too large");
  }
  if (piece.trailer.name.empty()) {
    state_ = State::Done;
    piece.step = Step::End;
    return piece;
  }
  if (++trailers_ > limits_.fields) {
    return bad("trailers too large");
  }
  piece.step = Step::Trailer;
  return piece;
}

ChunkReader::Piece ChunkReader::next(std::string_view input) {
  return advance(input, false);
}

ChunkReader::Piece ChunkReader::next_run(char* input, std::size_t size) {
  Piece run = next({input, size});
  if (run.step != Step::Data) {
    return run;
  }
  char* const begin = input + (run.data.data() - input);
  char* end = begin + run.data.size();
  for (std::size_t chunks = 1; run.consumed < size; ++chunks) {
    if (chunks == kMaxRun) {
      run.more = true;
      break;
    }
    // Small chunks by the thousand cost as little as their bytes do.
    const std::string_view rest{input + run.consumed, size - run.consumed};
    std::size_t next_size = 0;
    const std::size_t line = state_ == State::DataEnd ? read_usual_line(rest, next_size) : 0;
    if (line != 0 && line + next_size <= rest.size()) {
      overhead_ -= std::min(overhead_, paid_by(next_size) - line);  // which is more than it costs
      std::memmove(end, rest.data() + line, next_size);
      end += next_size;
      run.consumed += line + next_size;
      continue;
    }
    const Piece piece = advance({input + run.consumed, size - run.consumed}, true);
    run.consumed += piece.consumed;
    if (piece.step != Step::Data) {
      break;  // Bad is said again by the next call, when the data before it has been used
    }
    std::memmove(end, piece.data.data(), piece.data.size());
    end += piece.data.size();
  }
  run.data = {begin, static_cast<std::size_t>(end - begin)};
  return run;
}

// `data_only`: NeedMore where the data ends.
ChunkReader::Piece ChunkReader::advance(std::string_view input, bool data_only) {
  std::size_t skipped = 0;
  while (true) {
    const std::string_view rest = input.substr(skipped);
    Piece piece;
    switch (state_) {
      case State::Size:
        piece = read_size_line(rest);
        if (piece.consumed == 0) {
          break;
        }
        skipped += piece.consumed;
        continue;
      case State::Data:
        if (rest.empty()) {
          break;
        }
        piece.step = Step::Data;
        piece.data =
            rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size())));
        piece.consumed = piece.data.size();
        left_ -= piece.data.size();
        if (left_ == 0) {
          state_ = State::DataEnd;
        }
        break;
      case State::DataEnd:
        if (!rest.empty() && rest[0] != '\r') {
          return bad("chunk data not followed by CRLF");
        }
        if (rest.size() > 1 && rest[1] != '\n') {
          return bad("chunk data not followed by CRLF");
        }
        if (rest.size() < 2) {
          break;
        }
        skipped += 2;
        state_ = State::Size;
        continue;
      case State::Trailer:
        if (!data_only) {
          piece = read_trailer(rest);
        }
        break;
      case State::Done:
        piece.step = Step::End;
        break;
    }
    piece.consumed += skipped;
    return piece;
  }
}

void append_chunk_line(std::size_t size, std::string& out) {
  char digits[16];
  std::size_t n = 0;
  do {
    digits[n++] = kLowerHex[size & 15U];
    size >>= 4U;
  } while (size != 0);
  while (n != 0) {
    out.push_back(digits[--n]);
  }
  out += kChunkEnd;
}

}  // namespace keepsake
