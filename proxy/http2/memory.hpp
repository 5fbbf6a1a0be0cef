#pragma once
// Where nghttp2's sessions get their memory: free lists of a worker, so that a request costs no
// call of malloc in the steady state, and for each session the place of its frame buffer, whose
// pages an idle connection gives back to the kernel.

#include <array>
#include <cstddef>

namespace keepsake {

// The free lists of one worker. Not shared between threads; outlives every SessionMemory made of
// it.
class Http2Memory {
 public:
  Http2Memory() = default;
  ~Http2Memory();
  Http2Memory(const Http2Memory&) = delete;
  Http2Memory& operator=(const Http2Memory&) = delete;

  // As malloc, realloc and free; a null pointer when the system has no memory.
  void* take(std::size_t size);
  void* resize(void* block, std::size_t size);
  void give(void* block);

  // kFrameBlock bytes on whole pages of their own.
  void* take_frame_block();
  void give_frame_block(void* block);

  // Blocks that the system's allocator was asked for. In the steady state it stands still.
  std::size_t system_calls() const { return system_calls_; }

  // nghttp2 asks for its frame buffer as one block of 16 394 bytes (16 KiB and a frame's head).
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kFrameBlock = 5 * kPage;

 private:
  // Sizes of 64, 128, ... 1024 bytes: the streams, frames and field lists of nghttp2.
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 16;
  static constexpr std::size_t kSpareBytes = 256 * 1024;  // kept of each class
  static constexpr std::size_t kSpareFrameBlocks = 64;
  struct Spare {
    Spare* next;
  };
  struct Class {
    Spare* first = nullptr;
    std::size_t count = 0;
  };

  std::array<Class, kClasses> classes_{};
  Class frame_blocks_;
  std::size_t system_calls_ = 0;
};

// The memory of one session.
class SessionMemory {
 public:
  explicit SessionMemory(Http2Memory& worker) : worker_(worker) {}
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  void* take(std::size_t size);
  void* resize(void* block, std::size_t size);
  void give(void* block);

  // Gives the pages of the frame buffer back to the kernel; their content is lost. Only while the
  // session has nothing to write: then nothing in that buffer is needed.
  void rest();

 private:
  Http2Memory& worker_;
  void* frame_block_ = nullptr;
};

}  // namespace keepsake
