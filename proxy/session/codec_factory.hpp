#pragma once
// From the session section of the configuration to keys and codecs: the one place that knows which
// format has which class. Called at start and on reload, once for the keys and once per worker.

#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "config/config.hpp"
#include "session/codec.hpp"
#include "session/key_ring.hpp"

namespace keepsake {

std::shared_ptr<const KeyRing> make_key_ring(const SessionConfig& config);

// The names under which the session is looked for: the cookie's own, then the former ones, each
// once. Their places are what Codec::open calls `name`.
std::vector<std::string> cookie_names(const CookieConfig& cookie);

// `random` outlives the codec.
std::unique_ptr<Codec> make_codec(const SessionConfig& config, std::shared_ptr<const KeyRing> keys,
                                  Random& random);

}  // namespace keepsake
