#include "session/codec_factory.hpp"

#include <algorithm>
#include <utility>

#include "config/wipe.hpp"
#include "session/flask_codec.hpp"
#include "session/sealed_codec.hpp"

namespace keepsake {

std::shared_ptr<const KeyRing> make_key_ring(const SessionConfig& config) {
  std::vector<std::string> texts;
  texts.reserve(config.secrets.size());
  for (const Secret& secret : config.secrets) {
    texts.push_back(secret.text);
  }
  auto keys = std::make_shared<const KeyRing>(texts, config.flask);
  for (std::string& text : texts) {
    wipe(text);
  }
  return keys;
}

std::vector<std::string> cookie_names(const CookieConfig& cookie) {
  std::vector<std::string> names{cookie.name};
  for (const CookieScope& scope : cookie.previous) {
    if (std::find(names.begin(), names.end(), scope.name) == names.end()) {
      names.push_back(scope.name);
    }
  }
  return names;
}

std::unique_ptr<Codec> make_codec(const SessionConfig& config, std::shared_ptr<const KeyRing> keys,
                                  Random& random) {
  if (config.format == SessionFormat::Flask) {
    return std::make_unique<FlaskCodec>(std::move(keys));
  }
  return std::make_unique<SealedCodec>(std::move(keys), cookie_names(config.cookie), random);
}

}  // namespace keepsake
