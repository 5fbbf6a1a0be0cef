#pragma once
// Fixed-size byte buffers from a per-worker free list. A connection borrows one while it has work
// and gives it back when it idles, so ten thousand idle connections hold none. Never grows; not
// shared between threads.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace keepsake {

// Things that are kept for later, the last given first: `usual` of them always, more while the load
// wants them.
template <class T>
class Spares {
 public:
  explicit Spares(std::size_t usual) : usual_(usual) { list_.reserve(usual); }

  // Empty when there is none.
  T take() {
    T thing{};
    if (!list_.empty()) {
      thing = std::move(list_.back());
      list_.pop_back();
    }
    lowest_ = std::min(lowest_, list_.size());
    return thing;
  }
  void give(T thing) { list_.push_back(std::move(thing)); }
  void clear() { list_.clear(); }
  // To be called now and then: lets half of those go that nobody has wanted since the last time.
  // How many.
  std::size_t trim() {
    const std::size_t unwanted = std::min(std::exchange(lowest_, list_.size()), list_.size());
    const std::size_t above = list_.size() - std::min(list_.size(), usual_);
    const std::size_t count = std::min((unwanted + 1) / 2, above);
    list_.erase(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

 private:
  std::size_t usual_;
  std::size_t lowest_ = 0;
  std::vector<T> list_;
};

class BufferPool {
 public:
  // Each buffer has `size` bytes; `usual` unused ones are always kept.
  BufferPool(std::size_t size, std::size_t usual) : size_(size), spares_(usual) {}

  std::size_t size() const { return size_; }
  // From now on buffers have at least `size` bytes. Those that are in use keep theirs.
  void grow_to(std::size_t size) {
    if (size > size_) {
      size_ = size;
      spares_.clear();
    }
  }
  std::unique_ptr<char[]> take() {
    std::unique_ptr<char[]> block = spares_.take();
    return block ? std::move(block) : std::unique_ptr<char[]>(new char[size_]);
  }
  // `size`: what the block has.
  void give(std::unique_ptr<char[]> block, std::size_t size) {
    if (size == size_) {
      spares_.give(std::move(block));
    }
  }
  std::size_t trim() { return spares_.trim(); }

 private:
  std::size_t size_;
  Spares<std::unique_ptr<char[]>> spares_;
};

// Bytes that have arrived and are not used up: [begin, end) of a block.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(BufferPool& pool) : pool_(&pool), block_(pool.take()), capacity_(pool.size()) {}
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = other.pool_;
      block_ = std::move(other.block_);
      capacity_ = std::exchange(other.capacity_, 0);
      begin_ = std::exchange(other.begin_, 0);
      end_ = std::exchange(other.end_, 0);
      front_ = std::exchange(other.front_, 0);
    }
    return *this;
  }

  explicit operator bool() const { return block_ != nullptr; }
  std::string_view bytes() const { return {block_.get() + begin_, end_ - begin_}; }
  // The same bytes, for a reader that decodes them where they are.
  char* data() { return block_.get() + begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }

  char* space() { return block_.get() + end_; }
  std::size_t space_size() const { return capacity_ - end_; }
  // `n` bytes were written into space().
  void commit(std::size_t n) { end_ += n; }
  // `n` of bytes() are done with. An emptied buffer starts again at its front.
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) {
      begin_ = end_ = front_;
    }
  }
  // Takes the first `n` of bytes() off, but keeps them where they are until release_held(): the
  // views of a head outlive the reading of its body.
  void hold(std::size_t n) {
    begin_ += n;
    front_ = begin_;
  }
  void release_held() {
    front_ = 0;
    consume(0);
  }
  // Moves what is left to the front: views of bytes() become invalid, held bytes stay.
  void compact() {
    if (begin_ != front_) {
      std::memmove(block_.get() + front_, block_.get() + begin_, end_ - begin_);
      end_ -= begin_ - front_;
      begin_ = front_;
    }
  }
  // Moves to a block of the size that the pool gives now, if this one is smaller. No bytes may be
  // held.
  void fit() {
    if (capacity_ < pool_->size()) {
      Buffer larger{*pool_};
      std::memcpy(larger.space(), data(), size());
      larger.commit(size());
      *this = std::move(larger);
    }
  }
  void release() {
    if (block_) {
      pool_->give(std::move(block_), capacity_);
    }
    capacity_ = begin_ = end_ = front_ = 0;
  }

 private:
  BufferPool* pool_ = nullptr;
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t front_ = 0;
};

}  // namespace keepsake
