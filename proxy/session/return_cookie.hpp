#pragma once
// The second cookie, NAME-return: the page that was requested before the login, sealed like a
// session under a name of its own, and valid for ten minutes. One object per
// worker; opening allocates nothing.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "session/key_ring.hpp"
#include "session/sealed_codec.hpp"

namespace keepsake {

class ReturnCookie {
 public:
  static constexpr std::int64_t kLifetime = 600;     // seconds
  static constexpr std::size_t kLongestPage = 1024;  // bytes of path and query

  ReturnCookie(std::shared_ptr<const KeyRing> keys, std::string_view name, Random& random);

  // Appends the value that keeps `page` from `now` on, unix seconds. False, and nothing is
  // appended, for a page that is too long or that a Location must not lead to.
  bool seal(std::string_view page, std::int64_t now, std::string_view binding, std::string& out);

  // The page of a cookie of ours that is not too old; false, and an empty `page`, for any other.
  bool open(std::string_view cookie, std::int64_t now, std::string_view binding, std::string& page);

 private:
  SealedCodec codec_;
  Session session_;  // scratch
};

}  // namespace keepsake
