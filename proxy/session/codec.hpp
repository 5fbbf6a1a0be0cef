#pragma once
// How a session becomes a cookie value and back. Two formats implement it: sealed_codec (encrypted)
// and flask_codec (signed, shared with Flask applications). A codec owns its cipher contexts and
// scratch buffers, so every worker has its own; the key ring behind it is shared and immutable.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "session/session.hpp"

namespace keepsake {

// Why a cookie did not open; the words of `keepsake inspect`, of logs and of metric labels.
enum class OpenStatus : std::uint8_t {
  Ok,
  Malformed,   // not the shape of this format, or not its one canonical spelling
  UnknownKey,  // sealed with a key that is not configured here (or, flask: no key verifies it)
  Forged,      // right shape and key id, but authentication fails
  FromFuture,  // stamped more than 30 s ahead of our clock
  IdleExpired,
  AbsoluteExpired,
  BeforeNotBefore,  // created before session.not_before
};
inline constexpr std::size_t kOpenStatusCount = 8;
std::string_view to_string(OpenStatus status);  // "ok", "malformed", "unknown_key", ...

struct Opened {
  OpenStatus status = OpenStatus::Malformed;
  std::size_t key_index =
      0;  // which configured secret opened it; > 0 means: re-seal with the first
};

class Codec {
 public:
  virtual ~Codec() = default;

  // Authenticates and decodes `cookie` into `out` (reset first). Judges no times:
  // session/lifetime.hpp does. `binding` is the request's host when cookie.bind_host is on, else
  // empty; `name` the place of the cookie's name in cookie_names() (codec_factory.hpp). On any
  // status but Ok `out` is left reset. Never throws, never logs.
  virtual Opened open(std::string_view cookie, std::string_view binding, std::size_t name,
                      Session& out) = 0;
  Opened open(std::string_view cookie, std::string_view binding, Session& out) {
    return open(cookie, binding, 0, out);
  }

  // Whether one of our keys made it: it names one (sealed), or has its signature (flask). Such a
  // cookie is a candidate for the visitor's session; every other is somebody else's.
  virtual bool knows(std::string_view cookie) = 0;

  // Takes out what the format keeps for `key` without showing it as a value (flask: null, text that
  // is no UTF-8); whether there was anything.
  virtual bool forget(Session&, std::string_view) { return false; }

  // Appends the cookie value for `session` to `out`, sealed with the first secret. The caller has
  // set created and touched. Returns the number of bytes appended; 0, and nothing is appended, if
  // the format cannot hold the session: text that is not UTF-8, an empty key or one over 255 bytes
  // (sealed), a value over 65535 bytes (sealed), a stamp out of range. Whether the result fits a
  // browser is the caller's question.
  virtual std::size_t seal(const Session& session, std::string_view binding, std::string& out) = 0;
};

}  // namespace keepsake
