#pragma once
// A small JSON object as a flat list of its members, for messages from the network: RFC 8259 by
// Boost.JSON's parser, of limited depth, and no name twice in one object (Boost.JSON's own values
// would keep the last of them silently).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

class JsonMembers {
 public:
  enum class Kind : std::uint8_t { Absent, String, Other };

  // False if `text` is not exactly one object of UTF-8, nested at most `depth` deep.
  bool parse(std::string_view text, std::size_t depth);

  // A member of the outer object, or of an object in it: "jwk" and "jwk.kty".
  Kind kind(std::string_view path) const;
  // Its text; empty unless it is a string.
  std::string_view text(std::string_view path) const;

 private:
  friend struct JsonMembersReader;
  struct Member {
    std::string path;
    Kind kind;
    std::string text;
  };
  const Member* find(std::string_view path) const;

  std::vector<Member> members_;
};

}  // namespace keepsake
