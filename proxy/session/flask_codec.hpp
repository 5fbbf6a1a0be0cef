#pragma once
// Format `flask`: the signed, readable cookie of Flask 2 and 3 (itsdangerous'
// URLSafeTimedSerializer with TaggedJSONSerializer), byte for byte, so that a Flask application
// with the same SECRET_KEY reads what Keepsake writes and the other way round. Its one stamp is
// both created and touched; it has no id.
//
// What JSON has and a session of text has not:
//   numbers, true, false    appear as their JSON text ("42")
//   date, UUID, Markup, bytes (Flask's tags " d", " u", " m", " b")  appear as the string in the
//   tag lists, objects, tuples  appear as their JSON text null, and strings with a lone surrogate,
//   do not appear: Session::hidden counts them, forget() takes one out
// All of it goes back into the cookie exactly as it came, unless that very key was set to another
// text or erased; what was set is a JSON string. Takes no binding: Flask knows none.

#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "session/codec.hpp"
#include "session/flask_json.hpp"
#include "session/key_ring.hpp"

namespace keepsake {

class FlaskCodec final : public Codec {
 public:
  static constexpr std::size_t kMaxCookie = 4096;
  // itsdangerous sets no bound; without one a leaked key would be a way to fill the memory.
  static constexpr std::size_t kMaxJson = 64 * 1024;

  explicit FlaskCodec(std::shared_ptr<const KeyRing> keys);
  ~FlaskCodec() override;
  FlaskCodec(const FlaskCodec&) = delete;
  FlaskCodec& operator=(const FlaskCodec&) = delete;

  using Codec::open;
  Opened open(std::string_view cookie, std::string_view binding, std::size_t name,
              Session& out) override;
  bool knows(std::string_view cookie) override;
  bool forget(Session& session, std::string_view key) override;
  std::size_t seal(const Session& session, std::string_view binding, std::string& out) override;

 private:
  using Signature = std::array<std::uint8_t, 64>;  // as much of it as the digest has
  struct MacFree {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };

  Signature sign(std::size_t key, std::string_view text);
  // What is signed, and the key that signed it; a failed signature is UnknownKey.
  struct Verified {
    OpenStatus status = OpenStatus::Malformed;
    std::size_t key = 0;
    std::string_view text;
  };
  Verified verify(std::string_view cookie);
  // The JSON in `payload`, inflated if it says so; a view into the scratch buffers.
  std::optional<std::string_view> json_of(std::string_view payload);
  bool scan_tagged(std::string_view json);
  bool exposed(const JsonMember& member);
  bool write_json(const Session& session);
  void end_json(std::size_t count, std::string_view last_key);
  std::span<const std::uint8_t> deflated_json();

  std::shared_ptr<const KeyRing> keys_;
  std::vector<std::unique_ptr<EVP_MAC_CTX, MacFree>> macs_;  // one per key, keyed
  z_stream inflater_{}, deflater_{};   // kept: setting one up costs more than using it
  std::vector<std::uint8_t> payload_;  // base64url taken off
  std::vector<std::uint8_t> inflated_;
  std::vector<std::uint8_t> deflated_;
  JsonObject object_, inner_;
  std::string text_;  // what one member appears as
  std::string json_;  // the session as one object, being read or written
};

}  // namespace keepsake
