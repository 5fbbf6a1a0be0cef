#pragma once
// What a server says of its keep-alive in `Keep-Alive: timeout=5, max=100` (RFC 2068 19.7.1.1;
// never standardised again, and sent by most servers). Asked once per response that has the field.

#include <cstdint>
#include <string_view>

namespace keepsake {

struct KeepAlive {
  static constexpr std::uint32_t kUnsaid = UINT32_MAX;
  std::uint32_t timeout = kUnsaid;  // seconds for which the server keeps an idle connection
  std::uint32_t max = kUnsaid;      // requests that it will take on this connection from now on
};

// Parameters that are no numbers, and unknown ones, say nothing.
KeepAlive read_keep_alive(std::string_view value);

}  // namespace keepsake
