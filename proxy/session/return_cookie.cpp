#include "session/return_cookie.hpp"

#include "http/safe_location.hpp"
#include "session/lifetime.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kPage = "page";
// No cookie can have such a name: no session of another site with the same key opens as a page,
// and no page as a session.
constexpr std::string_view kNotASession = " page";

}  // namespace

ReturnCookie::ReturnCookie(std::shared_ptr<const KeyRing> keys, std::string_view name,
                           Random& random)
    : codec_(std::move(keys), std::string{name}.append(kNotASession), random) {}

bool ReturnCookie::seal(std::string_view page, std::int64_t now, std::string_view binding,
                        std::string& out) {
  if (page.size() > kLongestPage || !is_safe_location(page)) {
    return false;
  }
  session_.reset();
  session_.has_id = true;  // of zeros: the seal's nonce makes each cookie another
  session_.created = session_.touched = now;
  session_.set(kPage, page);
  return codec_.seal(session_, binding, out) != 0;
}

bool ReturnCookie::open(std::string_view cookie, std::int64_t now, std::string_view binding,
                        std::string& page) {
  page.clear();
  if (codec_.open(cookie, binding, session_).status != OpenStatus::Ok) {
    return false;
  }
  const std::int64_t age = now - session_.created;
  const std::string_view kept = session_.find(kPage).value_or("");
  if (age > kLifetime || age < -kAcceptedSkew || kept.size() > kLongestPage ||
      !is_safe_location(kept)) {
    return false;
  }
  page = kept;
  return true;
}

}  // namespace keepsake
