#include "http2/library_memory.hpp"

#include <cstring>

namespace keepsake {

nghttp2_mem hooks_of(SessionMemory& memory) {
  nghttp2_mem hooks{};
  hooks.mem_user_data = &memory;
  hooks.malloc = [](std::size_t size, void* user) {
    return static_cast<SessionMemory*>(user)->take(size);
  };
  hooks.free = [](void* block, void* user) { static_cast<SessionMemory*>(user)->give(block); };
  hooks.calloc = [](std::size_t count, std::size_t size, void* user) {
    void* block = static_cast<SessionMemory*>(user)->take(count * size);
    return block == nullptr ? nullptr : std::memset(block, 0, count * size);
  };
  hooks.realloc = [](void* block, std::size_t size, void* user) {
    return static_cast<SessionMemory*>(user)->resize(block, size);
  };
  return hooks;
}

}  // namespace keepsake
