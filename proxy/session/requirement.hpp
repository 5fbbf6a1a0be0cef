#pragma once
// Whether a session meets what a route requires. A pure function, for every step that asks it.

#include <cstdint>
#include <span>

#include "config/config.hpp"
#include "session/session.hpp"

namespace keepsake {

enum class Admission : std::uint8_t {
  Admitted,
  Anonymous,    // a key has no value: the visitor has yet to sign in
  WrongValue,   // a key has another value than those that are listed
  StoreSilent,  // the visitor may have a session that the store did not tell of
};

// `session` is empty for a visitor without one. A wrong value counts more than a missing one:
// signing in once more would not help.
Admission judge_requirements(std::span<const Requirement> required, const Session& session,
                             bool store_silent);

}  // namespace keepsake
