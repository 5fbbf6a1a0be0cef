#include "session/flask_json.hpp"

#include <algorithm>

#include "http/hex.hpp"
#include "session/python_text.hpp"

namespace keepsake {
namespace {

constexpr int kMaxDepth = 100;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Walks over JSON without building anything. Every step returns false where the text is not JSON.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool at_end() const { return at_ == text_.size(); }

  void space() {
    while (!at_end() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool take(char c) {
    if (at_end() || text_[at_] != c) {
      return false;
    }
    ++at_;
    return true;
  }

  bool value(int depth, JsonKind& kind) {
    if (at_end() || depth > kMaxDepth) {
      return false;
    }
    switch (text_[at_]) {
      case '{':
        kind = JsonKind::Object;
        return object(depth, [](std::size_t, std::size_t, std::size_t, std::size_t, JsonKind) {});
      case '[':
        kind = JsonKind::Array;
        return array(depth);
      case '"':
        kind = JsonKind::String;
        return string();
      case 'n':
        kind = JsonKind::Null;
        return word("null");
      case 't':
        kind = JsonKind::Bool;
        return word("true");
      case 'f':
        kind = JsonKind::Bool;
        return word("false");
      default:
        kind = JsonKind::Number;
        return number();
    }
  }

  // Calls member(key begin, key end, value begin, value end, kind) for each, the key with its
  // quotes.
  template <typename Member>
  bool object(int depth, Member member) {
    if (!take('{')) {
      return false;
    }
    space();
    if (take('}')) {
      return true;
    }
    do {
      space();
      const std::size_t key = at_;
      if (!string()) {
        return false;
      }
      const std::size_t key_end = at_;
      space();
      if (!take(':')) {
        return false;
      }
      space();
      const std::size_t begin = at_;
      JsonKind kind{};
      if (!value(depth + 1, kind)) {
        return false;
      }
      member(key, key_end, begin, at_, kind);
      space();
    } while (take(','));
    return take('}');
  }

 private:
  bool array(int depth) {
    take('[');
    space();
    if (take(']')) {
      return true;
    }
    do {
      space();
      JsonKind kind{};
      if (!value(depth + 1, kind)) {
        return false;
      }
      space();
    } while (take(','));
    return take(']');
  }

  bool string() {
    if (!take('"')) {
      return false;
    }
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') {
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape())) {
        return false;
      }
    }
    return false;
  }

  bool escape() {
    if (at_end()) {
      return false;
    }
    const char c = text_[at_++];
    if (c != 'u') {
      return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    }
    const std::size_t end = at_ + 4;
    if (end > text_.size()) {
      return false;
    }
    while (at_ < end) {
      if (hex_value(text_[at_++]) < 0) {
        return false;
      }
    }
    return true;
  }

  bool number() {
    if (word("NaN") || word("Infinity") || word("-Infinity")) {
      return true;
    }
    take('-');
    if (!take('0') && !digits()) {
      return false;
    }
    if (take('.') && !digits()) {
      return false;
    }
    if (take('e') || take('E')) {
      if (!take('+')) {
        take('-');
      }
      return digits();
    }
    return true;
  }

  bool digits() {
    const std::size_t begin = at_;
    while (!at_end() && is_digit(text_[at_])) {
      ++at_;
    }
    return at_ != begin;
  }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) {
      return false;
    }
    at_ += expected.size();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool JsonObject::scan(std::string_view json) {
  json_ = json;
  keys_.clear();
  members_.clear();
  Walker walker(json);
  walker.space();
  const bool whole = walker.object(0, [this](std::size_t key, std::size_t key_end,
                                             std::size_t begin, std::size_t end, JsonKind kind) {
    const std::size_t key_at = keys_.size();
    decode_json_string(json_.substr(key, key_end - key), keys_);
    members_.push_back(
        {static_cast<std::uint32_t>(key_at), static_cast<std::uint32_t>(keys_.size() - key_at),
         static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin), kind});
  });
  walker.space();
  if (!whole || !walker.at_end()) {
    members_.clear();
    return false;
  }
  // Flask sorts its keys, so this finds nothing to do; a stable sort would allocate. UTF-8 sorts as
  // code points do.
  std::sort(members_.begin(), members_.end(), [this](const JsonMember& a, const JsonMember& b) {
    const int order = key(a).compare(key(b));
    return order != 0 ? order < 0 : a.value_at > b.value_at;
  });
  members_.erase(
      std::unique(members_.begin(), members_.end(),
                  [this](const JsonMember& a, const JsonMember& b) { return key(a) == key(b); }),
      members_.end());
  return true;
}

std::string_view JsonObject::key(const JsonMember& member) const {
  return std::string_view(keys_).substr(member.key_at, member.key_size);
}

std::string_view JsonObject::value(const JsonMember& member) const {
  return json_.substr(member.value_at, member.value_size);
}

}  // namespace keepsake
