#pragma once
// Task<T>: the coroutine type of every step that may wait. A task starts when it is awaited, runs
// on the awaiting worker's thread, and returns a value. Used by all of server/, backend/ and
// store/; knows nothing of sockets.
//
// Why not boost::asio::awaitable: its frames are recycled through two slots per thread, so nested
// steps of interleaved connections fall back to malloc. Frames of a Task come from a per-thread
// free list by size (no malloc in the steady state), a child that finishes without waiting costs no
// suspension, and nothing recurses without bound, whatever the optimiser does with tail calls.
//
// A step that only sometimes waits is a plain function that returns a Task: what it knows at once
// it returns as it is, for no frame at all, and a coroutine's Task where it has to wait. Five of an
// exchange's steps are such.
//
// Rules (see CONTRIBUTING, common mistakes): co_await a task in the expression that makes it;
// reference parameters are fine because of that. A task is awaited at most once.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace keepsake {

namespace detail {
// Per-thread free lists of coroutine frames, by size class; above 4 KiB plain operator new.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr error;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      // Empty while the parent is still inside Task::await_suspend: it goes on by itself then.
      if (std::coroutine_handle<> next = self.promise().continuation) {
        next.resume();  // destroys *self: nothing may follow
      }
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};
}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::PromiseBase {
    std::optional<T> value;
    Task get_return_object() {
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    template <class U>
    void return_value(U&& result) {
      value.emplace(std::forward<U>(result));
    }
  };

  // Done already, with this result.
  Task(T value) : now_(std::move(value)) {}
  Task(Task&& other) noexcept
      : handle_(std::exchange(other.handle_, {})), now_(std::move(other.now_)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) {
      handle_.destroy();
    }
  }

  bool await_ready() const noexcept { return !handle_; }
  bool await_suspend(std::coroutine_handle<> parent) {
    handle_.resume();
    if (handle_.done()) {
      return false;
    }
    handle_.promise().continuation = parent;
    return true;
  }
  T await_resume() {
    if (!handle_) {
      return std::move(*now_);
    }
    auto& promise = handle_.promise();
    if (promise.error) {
      std::rethrow_exception(promise.error);
    }
    return std::move(*promise.value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
  std::optional<T> now_;
};

template <>
class [[nodiscard]] Task<void> {
 public:
  struct promise_type : detail::PromiseBase {
    Task get_return_object() {
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    void return_void() const noexcept {}
  };

  // Done already.
  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) {
      handle_.destroy();
    }
  }

  bool await_ready() const noexcept { return !handle_; }
  bool await_suspend(std::coroutine_handle<> parent) {
    handle_.resume();
    if (handle_.done()) {
      return false;
    }
    handle_.promise().continuation = parent;
    return true;
  }
  void await_resume() {
    if (handle_ && handle_.promise().error) {
      std::rethrow_exception(handle_.promise().error);
    }
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
  };
};
inline Detached run_detached(Task<void> task) {
  co_await std::move(task);
}
}  // namespace detail

// Runs `task` until it first waits and lets it go on by itself. Its owner is its own frame: the
// caller makes sure that whatever the task refers to outlives it. The task catches its own
// exceptions.
inline void start(Task<void> task) {
  detail::run_detached(std::move(task));
}

// One coroutine waits, somebody on the same thread wakes it. Waking nobody is harmless.
class Wakeup {
 public:
  bool waiting() const { return static_cast<bool>(waiter_); }
  void wake() {
    if (std::coroutine_handle<> waiter = std::exchange(waiter_, {})) {
      waiter.resume();
    }
  }
  auto operator co_await() {
    struct Awaiter {
      Wakeup& self;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept { self.waiter_ = waiter; }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiter_;
};

}  // namespace keepsake
