#include "session/codec_factory.hpp"

#include <string>
#include <utility>
#include <vector>

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
  auto keys = std::make_shared<const KeyRing>(texts);
  for (std::string& text : texts) {
    wipe(text);
  }
  return keys;
}

std::unique_ptr<Codec> make_codec(const SessionConfig& config, std::shared_ptr<const KeyRing> keys,
                                  Random& random) {
  if (config.format == SessionFormat::Flask) {
    return std::make_unique<FlaskCodec>(std::move(keys));
  }
  return std::make_unique<SealedCodec>(std::move(keys), config.cookie.name, random);
}

}  // namespace keepsake
