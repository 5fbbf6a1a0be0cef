#pragma once
// How values get into a session, for actions and for backends that write: within the limits, all of them or none.

#include <span>

#include "http/form.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// Puts each (key, value) into the visitor's session in order; an empty value removes the key. On a fault the
// session in the workspace is meaningless: the caller lets the visitor's cookie stand.
// Sets x.session.changed, and gives a session that was empty a new id.
Fault change_session(Exchange& x, std::span<const FormPair> pairs);

// What a backend with writes_session asked for by X-Session-Set and X-Session-Clear (contract 1.5). What does
// not fit changes nothing, is counted and logged. Called by commit_session.
void apply_backend_writes(Exchange& x);

}  // namespace keepsake
