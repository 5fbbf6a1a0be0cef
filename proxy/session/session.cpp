#include "session/session.hpp"

#include <algorithm>
#include <functional>

namespace keepsake {
namespace {

std::uint32_t narrow(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

}  // namespace

void Session::reset() {
  id = SessionId{};
  has_id = false;
  created = 0;
  touched = 0;
  lifetime.reset();
  binding.reset();
  codec_state.clear();
  hidden = 0;
  entries_.clear();
  bytes_.clear();
}

Session::Value Session::at(std::size_t i) const {
  return {key_of(entries_[i]), value_of(entries_[i])};
}

std::optional<std::string_view> Session::find(std::string_view key) const {
  const std::size_t i = place_of(key);
  if (i == entries_.size() || key_of(entries_[i]) != key) {
    return std::nullopt;
  }
  return value_of(entries_[i]);
}

bool Session::set(std::string_view key, std::string_view value) {
  const std::size_t i = place_of(key);
  const bool known = i < entries_.size() && key_of(entries_[i]) == key;
  if (known && value_of(entries_[i]) == value) {
    return false;
  }
  if (owns(key) || owns(value)) {  // a value of this very session: growing would move it
    const std::string key_copy(key);
    const std::string value_copy(value);
    store(i, known, key_copy, value_copy);
  } else {
    store(i, known, key, value);
  }
  return true;
}

bool Session::erase(std::string_view key) {
  const std::size_t i = place_of(key);
  if (i == entries_.size() || key_of(entries_[i]) != key) {
    return false;
  }
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
  return true;
}

bool Session::append_sorted(std::string_view key, std::string_view value) {
  if (!entries_.empty() && key <= key_of(entries_.back())) {
    return false;
  }
  store(entries_.size(), false, key, value);
  return true;
}

std::string_view Session::key_of(const Entry& entry) const {
  return {bytes_.data() + entry.key_at, entry.key_size};
}

std::string_view Session::value_of(const Entry& entry) const {
  return {bytes_.data() + entry.value_at, entry.value_size};
}

std::size_t Session::place_of(std::string_view key) const {
  // A handful of keys: a plain walk is as fast as a binary search and simpler to read.
  std::size_t i = 0;
  while (i < entries_.size() && key_of(entries_[i]) < key) {
    ++i;
  }
  return i;
}

bool Session::owns(std::string_view view) const {
  const std::less<const char*> before;
  return !view.empty() && !before(view.data(), bytes_.data()) &&
         before(view.data(), bytes_.data() + bytes_.size());
}

void Session::store(std::size_t i, bool known, std::string_view key, std::string_view value) {
  if (!known) {
    const std::size_t at = bytes_.size();
    const Entry entry{narrow(at), narrow(key.size()), narrow(at + key.size()),
                      narrow(value.size())};
    bytes_.resize(at + key.size() + value.size());
    std::copy(key.begin(), key.end(), bytes_.data() + entry.key_at);
    std::copy(value.begin(), value.end(), bytes_.data() + entry.value_at);
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(i), entry);
    return;
  }
  Entry& entry = entries_[i];
  if (value.size() > entry.value_size) {
    drop_garbage();
    entry.value_at = narrow(bytes_.size());
    bytes_.append(value);
  } else {
    bytes_.replace(entry.value_at, value.size(), value);
  }
  entry.value_size = narrow(value.size());
}

void Session::drop_garbage() {
  // Replaced values leave holes. A backend may replace one value many times in a single response,
  // so the holes are closed once they are most of the buffer.
  std::size_t live = 0;
  for (const Entry& entry : entries_) {
    live += entry.key_size + entry.value_size;
  }
  if (bytes_.size() < 2 * live + 1024) {
    return;
  }
  std::string packed;
  packed.reserve(bytes_.capacity());
  for (Entry& entry : entries_) {
    const std::string_view key = key_of(entry);
    const std::string_view value = value_of(entry);
    entry.key_at = narrow(packed.size());
    packed.append(key);
    entry.value_at = narrow(packed.size());
    packed.append(value);
  }
  bytes_.swap(packed);
}

}  // namespace keepsake
