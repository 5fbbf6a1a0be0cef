#include "io/task.hpp"

#include <array>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPSAKE_PLAIN_FRAMES 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEPSAKE_PLAIN_FRAMES 1
#endif

namespace keepsake::detail {

#ifdef KEEPSAKE_PLAIN_FRAMES
// Sanitizers see a use after free only if a free is a free.
void* allocate_frame(std::size_t size) {
  return ::operator new(size);
}
void free_frame(void* frame, std::size_t) noexcept {
  ::operator delete(frame);
}
#else

namespace {
constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 64;  // frames up to 4 KiB
constexpr unsigned kKept = 1024;      // free frames kept per class and thread

struct FreeFrame {
  FreeFrame* next;
};

struct FreeList {
  FreeFrame* head = nullptr;
  unsigned count = 0;
};

struct FrameCache {
  std::array<FreeList, kClasses> lists;
  ~FrameCache() {
    for (FreeList& list : lists) {
      while (FreeFrame* frame = list.head) {
        list.head = frame->next;
        ::operator delete(frame);
      }
      list.count = kKept;  // a frame freed after this goes straight back
    }
  }
};

thread_local FrameCache frame_cache;

std::size_t class_of(std::size_t size) {
  return (size - 1) / kStep;
}
}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = class_of(size);
  if (index >= kClasses) {
    return ::operator new(size);
  }
  FreeList& list = frame_cache.lists[index];
  if (FreeFrame* frame = list.head) {
    list.head = frame->next;
    --list.count;
    return frame;
  }
  return ::operator new((index + 1) * kStep);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (index < kClasses) {
    FreeList& list = frame_cache.lists[index];
    if (list.count < kKept) {
      list.head = ::new (frame) FreeFrame{list.head};
      ++list.count;
      return;
    }
  }
  ::operator delete(frame);
}

#endif

}  // namespace keepsake::detail
