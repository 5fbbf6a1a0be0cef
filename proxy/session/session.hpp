#pragma once
// One visitor's session: an id, two stamps and sorted key/value pairs. Codecs and stores fill it,
// actions and backends change it, headers are made from it. It never touches a socket or a clock.
//
// All bytes live in one buffer that keeps its capacity across reset(), so a Session that belongs to
// a connection is reused for every exchange without allocating. Views handed out by find() and at()
// are valid until the next call that changes the session.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

using SessionId = std::array<std::uint8_t, 16>;

class Session {
 public:
  struct Value {
    std::string_view key;
    std::string_view value;
  };

  // Forgets everything; capacity stays.
  void reset();

  // No pairs. What a codec keeps and does not show may be there; see bare().
  bool empty() const { return entries_.empty(); }
  // Nothing at all is left that a cookie would be kept for.
  bool bare() const { return entries_.empty() && hidden == 0; }
  std::size_t size() const { return entries_.size(); }
  // Pairs in ascending byte order of their keys; i < size().
  Value at(std::size_t i) const;
  std::optional<std::string_view> find(std::string_view key) const;

  // Inserts or replaces. Returns false if the very same value was there already.
  bool set(std::string_view key, std::string_view value);
  // Returns false if the key was absent.
  bool erase(std::string_view key);

  // Appends a pair whose key is greater than every key so far: what a decoder of sorted pairs
  // calls. Returns false (and changes nothing) if the order would break.
  bool append_sorted(std::string_view key, std::string_view value);

  SessionId id{};
  bool has_id = false;       // format flask has none
  std::int64_t created = 0;  // unix seconds
  std::int64_t touched = 0;  // unix seconds
  // How long the browser keeps this session's cookie and the session may idle, in seconds; 0: the
  // cookie until the browser closes, and idle_timeout. Empty: both as configured.
  std::optional<std::uint32_t> lifetime;
  std::optional<SessionId> binding;  // what ties the session to a key of the visitor's device
  // What only the codec that opened the session understands (flask: the whole JSON object, so that
  // values of other JSON types survive a round trip). Empty for sealed.
  std::string codec_state;
  std::size_t hidden = 0;  // values in codec_state that do not appear as pairs

 private:
  struct Entry {
    std::uint32_t key_at, key_size, value_at, value_size;
  };
  std::string_view key_of(const Entry& entry) const;
  std::string_view value_of(const Entry& entry) const;
  std::size_t place_of(std::string_view key) const;  // first entry whose key is not less
  bool owns(std::string_view view) const;
  void store(std::size_t i, bool known, std::string_view key, std::string_view value);
  void drop_garbage();

  std::vector<Entry> entries_;
  std::string bytes_;
};

}  // namespace keepsake
