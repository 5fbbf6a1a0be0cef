#pragma once
// How values get into a session, for actions and for backends that write: within the limits, all of
// them or none, into the cookie or into the store.

#include "base/task.hpp"
#include "http/form.hpp"
#include "server/exchange.hpp"

namespace keepsake {

// Puts each (key, value) into the visitor's session in order; an empty value removes the key. On a
// fault the session in the workspace is meaningless: the caller lets the visitor's cookie stand. A
// session that was empty gets a new id; with a store, `may_begin` says whether one that is gone may
// begin anew.
Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, bool may_begin);

// Ends the visitor's session, in the store too, and every other whose cookie came with the request.
Task<Fault> end_session(Exchange& x);

// What a backend with writes_session asked for by X-Session-Set and X-Session-Clear (contract 1.5).
// What does not fit changes nothing, is counted and logged. Called by commit_session.
Task<void> apply_backend_writes(Exchange& x);

}  // namespace keepsake
