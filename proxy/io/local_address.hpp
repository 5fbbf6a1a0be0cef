#pragma once
// Whether an address is this host's own. Asks the kernel; not for the data path.

#include "base/address.hpp"

namespace keepsake {

extern const IpAddress kAnyV4;       // 0.0.0.0
extern const IpAddress kAnyV6;       // ::
extern const IpAddress kLoopbackV4;  // 127.0.0.1
extern const IpAddress kLoopbackV6;  // ::1

// Whether packets to that address stay on this host.
bool is_local_address(const IpAddress& ip);

}  // namespace keepsake
