#pragma once
// Raw HTTP/2 for tests: frames as bytes, with fields as HPACK literals that nothing checks or
// compresses, so that any byte can be sent; and a reader of the frames that come back. Works on
// strings, so over a Link as well as without one.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keepsake::test::http2 {

using Fields = std::vector<std::pair<std::string, std::string>>;

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRst = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};
enum Flag : std::uint8_t { kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8 };

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Big-endian.
std::string number(std::uint64_t value, std::size_t bytes);

std::string frame(unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload);

// HPACK: a literal without indexing, neither name nor value compressed (RFC 7541 6.2.2).
std::string literal(std::string_view name, std::string_view value);
// With incremental indexing (6.2.1), and the reference to an entry (6.1; 62 is the newest).
std::string indexed_literal(std::string_view name, std::string_view value);
std::string indexed(std::size_t index);
std::string literals(const Fields& fields);

std::string settings(const std::vector<std::pair<unsigned, std::uint32_t>>& entries = {});
std::string settings_ack();
// One HEADERS frame with END_HEADERS.
std::string headers(std::uint32_t stream, const Fields& fields, bool end_stream = true);
std::string data(std::uint32_t stream, std::string_view bytes, bool end_stream = true);
std::string rst(std::uint32_t stream, std::uint32_t code = 8);
std::string goaway(std::uint32_t last_stream = 0, std::uint32_t code = 0);
std::string window_update(std::uint32_t stream, std::uint32_t bytes);
std::string ping(std::string_view eight = "01234567");

// The pseudo-fields of a request, and `more` behind them.
Fields request(const std::string& method, const std::string& path, const Fields& more = {});
Fields get(const std::string& path = "/", const Fields& more = {});

// Preface, empty SETTINGS, and the acknowledgement of the other side's: how a client begins.
std::string opening(const std::vector<std::pair<unsigned, std::uint32_t>>& entries = {});

struct Frame {
  unsigned type = 0;
  unsigned flags = 0;
  std::uint32_t stream = 0;
  std::string payload;

  bool end_stream() const { return (type == kData || type == kHeaders) && (flags & kEndStream); }
  std::uint32_t u32(std::size_t at = 0) const;  // of the payload
};

// Splits what a server sends into frames, and decodes its header blocks.
class Reader {
 public:
  Reader();
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void feed(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole frame. HEADERS must be decoded in the order in which they came, all of them.
  std::optional<Frame> next();
  // Of a HEADERS frame with END_HEADERS.
  Fields decode(const Frame& frame);

 private:
  struct Inflater;
  std::string bytes_;
  std::unique_ptr<Inflater> inflater_;
};

// The value of the first field of that name; "(none)" without one.
std::string value_of(const Fields& fields, std::string_view name);

}  // namespace keepsake::test::http2
