// The return cookie against arbitrary bytes: as a cookie, as a page that it is to keep, and,
// because no fuzzer forges a tag, as a sealed session under its name. Whatever page comes out stays
// on this host.

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/base64url.hpp"
#include "fuzz.hpp"
#include "http/safe_location.hpp"
#include "session/return_cookie.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

constexpr std::int64_t kNow = 1'700'000'000;

struct World {
  std::shared_ptr<const KeyRing> keys = std::make_shared<const KeyRing>(
      std::vector<std::string>{"a-secret-for-the-fuzzer-0123456789abcdef"});
  Random random;
  ReturnCookie cookie{keys, "session-return", random};
  SealedCodec codec{keys, "session-return page", random};  // the name that it seals under

  std::string open(std::string_view value) {
    std::string page;
    const bool opened = cookie.open(value, kNow, "", page);
    must(opened != page.empty());
    must(!opened || (is_safe_location(page) && page.size() <= ReturnCookie::kLongestPage));
    must(!opened ||
         (page.front() == '/' && !page.starts_with("//") && page.find('\\') == std::string::npos &&
          std::all_of(page.begin(), page.end(), [](char c) { return c > ' ' && c < 127; })));
    return page;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const std::string_view text = fuzz::as_text(data, size);
  world.open(text);

  std::string value;
  if (world.cookie.seal(text, kNow, "", value)) {
    must(world.open(value) == text);
  } else {
    must(value.empty());
  }

  Session session;
  session.has_id = true;
  session.created = session.touched = kNow;
  session.set("page", text);
  value.clear();
  if (world.codec.seal(session, "", value) != 0) {
    const std::string page = world.open(value);
    must(page.empty() || page == text);
  }
  return 0;
}
