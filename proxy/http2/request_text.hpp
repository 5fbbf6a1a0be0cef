#pragma once
// The fields of an HTTP/2 request become the text of an HTTP/1.1 head (RFC 9113 8.3, 8.2.3), which
// the same strict parser reads that reads every other head: whatever a library let through, no line
// reaches a backend that parse_request_head would not take. Pure text; Http2Session holds one for
// each connection, as a connection has at most one unfinished header block.
//
//   METHOD path HTTP/1.1        from :method and :path
//   Host: authority             from :authority, else the client's own Host line at its place
//   name: value                 as they came, in order, names in lower case
//   Cookie: a=1; b=2            all crumbs of all cookie fields, joined, last
//
// For an extended CONNECT (RFC 8441) the method is GET and the lines of a WebSocket handshake stand
// before Cookie: Connection, Upgrade and a Sec-WebSocket-Key of Keepsake's own.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/field_names.hpp"
#include "http/head.hpp"

namespace keepsake {

// Where a head goes and what it is held against. The text is written at in->space() and held
// (Buffer::hold): what follows in the buffer is body.
struct RequestPlace {
  Buffer* in = nullptr;         // empty; at least limits->bytes are free
  RequestHead* head = nullptr;  // gets views into `in`
  const HeadLimits* limits = nullptr;
  const FieldTable* names = nullptr;
};

class RequestText {
 public:
  // Cookie fields of one request. They have a limit of their own, because a browser sends each
  // cookie in a field of its own (RFC 9113 8.2.3); HTTP/1 counts them as one line.
  static constexpr std::size_t kMostCrumbs = 1000;

  // Begins a request; `place` and what it points to stay until finish().
  void begin(const RequestPlace& place);

  // The next field of the block, in order. Copies at most as much as the limits allow; what is
  // wrong is told by finish().
  void add(std::string_view name, std::string_view value);

  // The block is complete: parses the text into the head. None, or BadRequest (400), BadHost (400),
  // TargetTooLong (414), HeadTooLarge (431), UnknownCoding (501: an extended CONNECT for another
  // protocol than websocket). On a fault the head has no fields, and its start line where that was
  // good. Either way the text is held in the buffer.
  // `websocket_key`: 24 characters of base64 for an extended CONNECT, else unused.
  Fault finish(std::string_view websocket_key);

  // An extended CONNECT was seen: finish() needs a key. Valid once the block is complete.
  bool websocket() const { return !protocol_.empty(); }
  // The request has a `priority` field (RFC 9218 5).
  bool has_priority() const { return has_priority_; }
  // What finish() found wrong, one short phrase for the log.
  const char* why() const { return why_; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);
  void add_crumb(std::string_view value);
  void begin_lines();
  void append(std::string_view text);
  void append_line(std::string_view name, std::string_view value);
  Fault judge_pseudo();
  Fault parse();
  void keep_start_line();
  void fail(Fault fault, const char* why);

  RequestPlace place_;
  // The pseudo-fields, kept until the first regular field; capacity outlives the request.
  std::string method_;
  std::string scheme_;
  std::string authority_;
  std::string path_;
  std::string protocol_;
  std::string cookie_;
  unsigned seen_ = 0;           // which pseudo-fields came, one bit each
  std::size_t size_ = 0;        // bytes of text so far
  std::size_t start_size_ = 0;  // of them the start line
  std::size_t lines_ = 0;       // header lines so far
  std::size_t crumbs_ = 0;
  bool lines_begun_ = false;  // the start line is written: no pseudo-field may follow
  bool has_priority_ = false;
  Fault fault_ = Fault::None;
  const char* why_ = "";
};

}  // namespace keepsake
