#pragma once
// The strict, bounded reader of the chunked coding (RFC 9112 7.1). Bytes in, pieces of data out;
// chunk extensions are checked and dropped, trailer lines are checked, counted and handed out one
// by one. Used for requests by the HTTP/1 client side, for responses by relay_body.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace keepsake {

class ChunkReader {
 public:
  enum class Step : std::uint8_t { NeedMore, Data, Trailer, End, Bad };

  struct Piece {
    Step step = Step::NeedMore;
    std::size_t consumed = 0;  // bytes of `input` that are done with
    std::string_view data;     // Step::Data: a view into `input`
    bool more = false;         // Step::Data of next_run(): chunks stand behind it, for another turn
    Field trailer;             // Step::Trailer: views into `input`
    const char* why = "";      // Step::Bad
  };

  // Whose chunks these are. Old servers pad the size of a chunk with blanks (Tomcat 6, Apache 1.3,
  // small devices), and RFC 9112 7.1.1 has every recipient read blanks around extensions. Keepsake
  // writes chunks of its own, so a client never sees them. In requests they are refused: no client
  // needs them, and they have been used to make two parsers disagree.
  enum class From : std::uint8_t { Client, Backend };

  // Trailer sections above these are Bad; `limits.target` is not used.
  explicit ChunkReader(const HeadLimits& limits = {}, From from = From::Client)
      : limits_(limits), blanks_(from == From::Backend) {}

  // What the front of `input` is. Drop `consumed` bytes and call again with the rest until
  // NeedMore, End or Bad. After NeedMore call again with what was not consumed and more bytes
  // behind it: never more than kMaxLine or limits.bytes are asked for.
  Piece next(std::string_view input);

  // The same, but Data is all the data that stands in `input` without a break: that of up to
  // kMaxRun chunks is moved together, to where the first of it stands. The bytes from there to
  // `consumed` have no meaning afterwards.
  Piece next_run(char* input, std::size_t size);

  // A chunk-size line with its extensions may have this many bytes.
  static constexpr std::size_t kMaxLine = 256;
  // Chunks that one call reads: some 30 microseconds' work. The caller lets others have their turn
  // before the next.
  static constexpr std::size_t kMaxRun = 1024;

 private:
  enum class State : std::uint8_t { Size, Data, DataEnd, Trailer, Done };
  Piece advance(std::string_view input, bool data_only);
  Piece read_size_line(std::string_view input);
  Piece read_trailer(std::string_view input);

  HeadLimits limits_;
  bool blanks_;
  State state_ = State::Size;
  std::uint64_t left_ = 0;      // of the current chunk
  std::uint64_t overhead_ = 0;  // framing bytes beyond what honest senders need
  std::size_t trailer_bytes_ = 0;
  std::size_t trailers_ = 0;
};

// The line before a chunk of `size` bytes, which kChunkEnd follows; and what ends a body without
// trailers.
void append_chunk_line(std::size_t size, std::string& out);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kEndAndLastChunk = "\r\n0\r\n\r\n";

}  // namespace keepsake
