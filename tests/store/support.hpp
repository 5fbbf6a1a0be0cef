#pragma once
// What the tests of the stores share: a task's result without a loop, ids, and times.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <utility>

#include "io/task.hpp"
#include "store/session_store.hpp"

namespace keepsake::test {

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& out) {
  out = co_await std::move(task);
}

// Of a task that does not wait for anything.
template <class T>
T result(Task<T> task) {
  std::optional<T> out;
  start(keep_result(std::move(task), out));
  if (!out) {
    throw std::logic_error("the task still waits");
  }
  return std::move(*out);
}

inline SessionId id_of(std::uint32_t number) {
  SessionId id{};
  for (std::size_t i = 0; i < 4; ++i) {
    id[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return id;
}

constexpr std::int64_t kStart = 1'700'000'000;

inline StoreTimes at(std::int64_t seconds) {
  return {
      .now = kStart + seconds, .idle_timeout = 100, .absolute_timeout = 1000, .touch_interval = 10};
}

}  // namespace keepsake::test
