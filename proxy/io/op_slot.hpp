#pragma once
// Memory for an operation of which there is one at a time, like the wait to write of a stream,
// inside its owner: Asio asks a handler for its allocator, and its own recycling keeps only a few
// blocks per thread, so with many slow readers each wait would cost a malloc. Reads have an
// operation of their own (ReceiveOp).

#include <cstddef>
#include <new>
#include <type_traits>

namespace keepsake {

class OpSlot {
 public:
  void* allocate(std::size_t size) {
    if (used_ || size > sizeof storage_) {
      return ::operator new(size);
    }
    used_ = true;
    return storage_;
  }
  void deallocate(void* block) noexcept {
    if (block == storage_) {
      used_ = false;
    } else {
      ::operator delete(block);
    }
  }

 private:
  // Asio 1.81's largest operation of ours has 152 bytes; more would only cost the malloc.
  alignas(16) std::byte storage_[176];
  bool used_ = false;
};

template <class T>
class OpAllocator {
 public:
  using value_type = T;
  explicit OpAllocator(OpSlot& slot) : slot_(&slot) {}
  template <class U>
  OpAllocator(const OpAllocator<U>& other) : slot_(&other.slot()) {}
  T* allocate(std::size_t n)
    requires(!std::is_void_v<T>)
  {
    return static_cast<T*>(slot_->allocate(n * sizeof(T)));
  }
  void deallocate(T* block, std::size_t) noexcept { slot_->deallocate(block); }
  OpSlot& slot() const { return *slot_; }
  template <class U>
  friend bool operator==(const OpAllocator& a, const OpAllocator<U>& b) {
    return &a.slot() == &b.slot();
  }

 private:
  OpSlot* slot_;
};

// A completion handler whose operation lives in a slot.
template <class Handler>
struct SlotHandler {
  using allocator_type = OpAllocator<void>;
  Handler handler;
  OpSlot* slot;
  allocator_type get_allocator() const noexcept { return allocator_type{*slot}; }
  template <class... Args>
  void operator()(Args&&... args) {
    handler(static_cast<Args&&>(args)...);
  }
};

template <class Handler>
SlotHandler<Handler> in_slot(OpSlot& slot, Handler handler) {
  return {static_cast<Handler&&>(handler), &slot};
}

}  // namespace keepsake
