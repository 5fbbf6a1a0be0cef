#pragma once
// The JSON of a Flask session, read as positions instead of values: a member that nobody changes
// must be written back with the very bytes it came in. A JSON library cannot promise that
// (Boost.JSON turns big integers into doubles, loses how a float was spelt and refuses Python's NaN
// and Infinity), and building its tree would cost more than the whole cookie. Accepts what Python's
// json.loads accepts, nested at most 100 deep. Called by flask_codec only.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

enum class JsonKind : std::uint8_t { Null, Bool, Number, String, Array, Object };

// One member of an object: its key decoded, its value as a piece of the text.
struct JsonMember {
  std::uint32_t key_at, key_size;  // in JsonObject's own buffer
  std::uint32_t value_at, value_size;
  JsonKind kind;
};

// The members of one object in the order of their keys' code points, Python's order; of equal keys
// the last stays, as in Python. Reused from one text to the next, it stops allocating. Refers to
// the text.
class JsonObject {
 public:
  // False if `json` is not exactly one valid object. Valid UTF-8 is the caller's business.
  bool scan(std::string_view json);

  std::string_view text() const { return json_; }
  const std::vector<JsonMember>& members() const { return members_; }
  // Lone surrogates, which Python's strings may hold, are in it as three bytes each.
  std::string_view key(const JsonMember& member) const;
  std::string_view value(const JsonMember& member) const;

 private:
  std::string_view json_;
  std::string keys_;
  std::vector<JsonMember> members_;
};

}  // namespace keepsake
