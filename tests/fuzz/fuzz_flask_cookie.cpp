// The flask format against arbitrary bytes: as a cookie, and, signed with the right key first, as a
// payload, as JSON and as deflated JSON. A session that opens must survive being sealed: same
// values, same hidden members, and a second sealing that changes nothing.

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64url.hpp"
#include "fuzz.hpp"
#include "session/flask_codec.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

std::string encoded(std::string_view bytes) {
  std::string out;
  base64url_encode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, out);
  return out;
}

struct World {
  std::shared_ptr<const KeyRing> keys =
      std::make_shared<const KeyRing>(std::vector<std::string>{"dev-secret-key", "old"});
  FlaskCodec codec{keys};

  std::string sign(const std::string& text) {
    const auto& key = keys->at(0).flask_signing;
    std::array<unsigned char, 20> mac{};
    unsigned size = 0;
    must(HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
              &size) != nullptr);
    return text + "." + encoded({reinterpret_cast<const char*>(mac.data()), size});
  }

  void check(const std::string& cookie) {
    Session session;
    if (codec.open(cookie, "", session).status != OpenStatus::Ok) {
      must(session.empty() && session.codec_state.empty());
      return;
    }
    std::string sealed;
    must(codec.seal(session, "", sealed) == sealed.size() && !sealed.empty());
    if (sealed.size() > FlaskCodec::kMaxCookie) {
      return;  // escapes made it longer than what came in
    }
    Session again;
    must(codec.open(sealed, "", again).status == OpenStatus::Ok);
    must(again.size() == session.size() && again.touched == session.touched);
    for (std::size_t i = 0; i < session.size(); ++i) {
      must(again.at(i).key == session.at(i).key && again.at(i).value == session.at(i).value);
    }
    std::string twice;
    codec.seal(again, "", twice);
    must(twice == sealed);

    // Erasing all that is visible and setting one value leaves that value.
    while (!session.empty()) {
      session.erase(std::string(session.at(0).key));
    }
    session.set("name", "Alice");
    sealed.clear();
    must(codec.seal(session, "", sealed) != 0);
    must(sealed.size() > FlaskCodec::kMaxCookie ||
         codec.open(sealed, "", again).status == OpenStatus::Ok);
    must(sealed.size() > FlaskCodec::kMaxCookie || again.find("name") == "Alice");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string input(reinterpret_cast<const char*>(data), size);
  world.check(input);
  if (size > 3000) {
    return 0;
  }
  world.check(world.sign(input));
  world.check(world.sign(encoded(input) + ".ZVPxAA"));
  world.check(world.sign("." + encoded(input) + ".ZVPxAA"));

  std::vector<std::uint8_t> packed(compressBound(size));
  uLongf packed_size = packed.size();
  must(compress(packed.data(), &packed_size, data, size) == Z_OK);
  world.check(world.sign(
      "." + encoded({reinterpret_cast<const char*>(packed.data()), packed_size}) + ".ZVPxAA"));
  return 0;
}
