#pragma once
// The fields of an HTTP/2 response become the text of an HTTP/1.1 head (RFC 9113 8.3.2), which the
// same strict parser reads that reads every other backend's: whatever a library let through, no
// line reaches a client that parse_response_head would not take. Pure text; a BackendSession holds
// one, as a connection has at most one unfinished header block.
//
//   HTTP/1.1 200 OK      from :status, with the reason that HTTP/2 does not send
//   name: value          as they came, in order, names in lower case

#include <cstddef>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/head.hpp"

namespace keepsake {

class ResponseText {
 public:
  // Begins a head behind the bytes of `in`; both stay until finish().
  // `accept`: not null where a WebSocket is to be opened; what opens it becomes a 101 with this
  // Sec-WebSocket-Accept.
  void begin(Buffer& in, const HeadLimits& limits, const std::string* accept = nullptr);
  // The next field of the block, in order. What is wrong is told by finish().
  void add(std::string_view name, std::string_view value);
  // The block is complete: its text is in the buffer. None, BackendBadResponse or
  // BackendHeadTooLarge; on a fault the buffer is as it was.
  Fault finish();

  unsigned status() const { return status_; }
  // What finish() found wrong, one short phrase for the log.
  const char* why() const { return why_; }

 private:
  void add_status(std::string_view value);
  void append(std::string_view text);
  void fail(Fault fault, const char* why);
  bool opens_tunnel() const { return accept_ != nullptr && status_ / 100 == 2; }

  Buffer* in_ = nullptr;
  const HeadLimits* limits_ = nullptr;
  const std::string* accept_ = nullptr;
  std::size_t size_ = 0;
  std::size_t lines_ = 0;
  unsigned status_ = 0;  // 0: :status has not come
  Fault fault_ = Fault::None;
  const char* why_ = "";
};

// The next field of a trailer section, as a line behind `lines`; what frames or is malformed, and
// what is beyond the limits, is left out (RFC 9110 6.5.1). False: it was.
bool append_trailer(std::string_view name, std::string_view value, const HeadLimits& limits,
                    std::string& lines);

}  // namespace keepsake
