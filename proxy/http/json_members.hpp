#pragma once
// A small JSON object as a flat list of its members, for messages from the network: RFC 8259 by
// Boost.JSON's parser, of limited depth and number, and no name twice in one object (Boost.JSON's
// own values would keep the last of them silently).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

enum class JsonError : std::uint8_t { None, Malformed, DuplicateName, TooManyMembers };

class JsonMembers {
 public:
  // Scalar: a number, true or false. Other: null, an object or an array.
  enum class Kind : std::uint8_t { Absent, String, Scalar, Other };
  struct Member {
    std::string path;  // "jwk", and "jwk.kty" of an object in it
    Kind kind;
    std::string text;  // of a string or scalar; a number as it is spelled
  };
  struct Limits {
    std::size_t depth;          // 1: no object or array in the outer object
    std::size_t members = 100;  // of all objects together
  };

  // An error if `text` is not exactly one object of UTF-8 within the limits: nothing of it is kept.
  JsonError parse(std::string_view text, Limits limits);

  // In the order of the text.
  const std::vector<Member>& all() const { return members_; }
  Kind kind(std::string_view path) const;
  // Empty unless the member is a string.
  std::string_view text(std::string_view path) const;

 private:
  const Member* find(std::string_view path) const;

  std::vector<Member> members_;
};

}  // namespace keepsake
