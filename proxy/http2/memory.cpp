#include "http2/memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace keepsake {

namespace {

// Stands before every block: which class it is of, 0 for those of the system's allocator. As large
// as the alignment that malloc promises.
struct alignas(std::max_align_t) BlockHead {
  std::size_t size_class;
  std::size_t size;
};

BlockHead* head_of(void* block) {
  return static_cast<BlockHead*>(block) - 1;
}

// nghttp2's chunk of a frame buffer: 16 KiB, a frame's head and a pad length.
constexpr std::size_t kLeastFrameBuffer = 16 * 1024;

}  // namespace

Http2Memory::~Http2Memory() {
  for (Class& spares : classes_) {
    while (Spare* spare = spares.first) {
      spares.first = spare->next;
      std::free(head_of(spare));
    }
  }
  while (Spare* spare = frame_blocks_.first) {
    frame_blocks_.first = spare->next;
    std::free(spare);
  }
}

void* Http2Memory::take(std::size_t size) {
  const std::size_t size_class = size <= kStep * kClasses ? (size + kStep - 1) / kStep : 0;
  if (size_class != 0) {
    Class& spares = classes_[size_class - 1];
    if (spares.first != nullptr) {
      --spares.count;
      Spare* spare = spares.first;
      spares.first = spare->next;
      return spare;
    }
    size = size_class * kStep;
  }
  ++system_calls_;
  void* memory = std::malloc(sizeof(BlockHead) + size);
  return memory == nullptr ? nullptr : ::new (memory) BlockHead{size_class, size} + 1;
}

void Http2Memory::give(void* block) {
  if (block == nullptr) {
    return;
  }
  BlockHead* head = head_of(block);
  if (head->size_class != 0) {
    Class& spares = classes_[head->size_class - 1];
    if ((spares.count + 1) * head->size <= kSpareBytes) {
      ++spares.count;
      spares.first = ::new (block) Spare{spares.first};
      return;
    }
  }
  std::free(head);
}

void* Http2Memory::resize(void* block, std::size_t size) {
  if (block == nullptr) {
    return take(size);
  }
  if (head_of(block)->size >= size) {
    return block;
  }
  void* larger = take(size);
  if (larger != nullptr) {
    std::memcpy(larger, block, head_of(block)->size);
    give(block);
  }
  return larger;
}

void* Http2Memory::take_frame_block() {
  if (Spare* spare = frame_blocks_.first) {
    --frame_blocks_.count;
    frame_blocks_.first = spare->next;
    return spare;
  }
  ++system_calls_;
  return std::aligned_alloc(kPage, kFrameBlock);
}

void Http2Memory::give_frame_block(void* block) {
  if (frame_blocks_.count >= kSpareFrameBlocks) {
    std::free(block);
    return;
  }
  ++frame_blocks_.count;
  frame_blocks_.first = ::new (block) Spare{frame_blocks_.first};
}

void* SessionMemory::take(std::size_t size) {
  if (frame_block_ == nullptr && size >= kLeastFrameBuffer && size <= Http2Memory::kFrameBlock) {
    frame_block_ = worker_.take_frame_block();
    return frame_block_;
  }
  return worker_.take(size);
}

void* SessionMemory::resize(void* block, std::size_t size) {
  if (block == nullptr) {
    return take(size);
  }
  if (block != frame_block_) {
    return worker_.resize(block, size);
  }
  if (size <= Http2Memory::kFrameBlock) {
    return block;
  }
  void* larger = worker_.take(size);
  if (larger != nullptr) {
    std::memcpy(larger, block, Http2Memory::kFrameBlock);
    give(block);
  }
  return larger;
}

void SessionMemory::give(void* block) {
  if (block != nullptr && block == frame_block_) {
    worker_.give_frame_block(std::exchange(frame_block_, nullptr));
  } else {
    worker_.give(block);
  }
}

void SessionMemory::rest() {
  if (frame_block_ != nullptr) {
    ::madvise(frame_block_, Http2Memory::kFrameBlock, MADV_DONTNEED);
  }
}

}  // namespace keepsake
