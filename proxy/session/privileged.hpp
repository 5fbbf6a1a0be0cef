#pragma once
// Keys that mean "signed in" (session.privileged): whoever planted a visitor's session id must not
// come to read them, so their change gives the session a new id. Pure functions for all stores.

#include <span>
#include <string>

#include "session/session.hpp"

namespace keepsake {

using PrivilegedKeys = std::span<const std::string>;

// Whether one of `keys` has another value after than before, or is there only once.
bool changes_privileged(const Session& before, const Session& after, PrivilegedKeys keys);

// Removes from `session` those of `keys` that differ from `after`.
void erase_changed(Session& session, const Session& after, PrivilegedKeys keys);

// Removes all of them.
void erase_privileged(Session& session, PrivilegedKeys keys);

}  // namespace keepsake
