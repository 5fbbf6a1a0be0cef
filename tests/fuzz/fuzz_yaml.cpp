// The configuration loader: whatever the file holds, there is either a configuration or at least
// one problem with its place, never a crash; and what was loaded is written and loaded again as the
// same.

#include <string>

#include "config/dump.hpp"
#include "config/load.hpp"
#include "fuzz.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

const Environment& world() {
  static const Environment environment{
      [](const std::string& name) -> std::optional<std::string> {
        if (name == "SESSION_KEY") {
          return "kT9vXw3Lq8ZrB2nHs6YdJ4mGc1PfA7uE0oRiKtNbVxw";
        }
        return std::nullopt;
      },
      [](const std::string&, FileError& error) -> std::optional<std::string> {
        error.why = "there are no files here";
        return std::nullopt;
      }};
  return environment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) {
    return 0;
  }
  const std::string text{fuzz::as_text(data, size)};
  const Loaded loaded = load_config_text(text, "fuzz.yaml", world());
  must(loaded.config.has_value() == loaded.problems.empty());
  if (loaded.config) {
    must(!loaded.config->listen.empty() && !loaded.config->backends.empty());
    const auto& redis = loaded.config->session.redis;
    if (!redis || redis->password.empty()) {  // which a dump never shows
      const Loaded again = load_config_text(dump_config(*loaded.config), "dump.yaml", world());
      must(again.config && *again.config == *loaded.config);
    }
  }
  return 0;
}
