#pragma once
// SessionMemory as nghttp2 asks for memory. For the sessions alone.

#include <nghttp2/nghttp2.h>

#include "http2/memory.hpp"

namespace keepsake {

// `memory` outlives the session that is made with these.
nghttp2_mem hooks_of(SessionMemory& memory);

}  // namespace keepsake
