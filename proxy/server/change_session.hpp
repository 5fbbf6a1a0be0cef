#pragma once
// How values get into a session, for actions and for backends that write: within the limits, all of
// them or none, into the cookie or into the store.

#include "base/task.hpp"
#include "http/form.hpp"
#include "server/exchange.hpp"

namespace keepsake {

struct ChangeTerms {
  bool may_begin = false;  // with a store: whether a session that is gone may begin anew
  bool renew = false;      // the session gets a new id, whatever changes
};

// Puts each (key, value) into the visitor's session in order; an empty value removes the key. On a
// fault the session in the workspace is meaningless: the caller lets the visitor's cookie stand. A
// session that was empty gets a new id, and so does one of which a privileged key changes.
Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms);

// Ends the visitor's session, in the store too, and every other whose cookie came with the request.
Task<Fault> end_session(Exchange& x);

// What a backend with writes_session asked for by X-Session-Set, -Clear and -Renew (contract 1.5).
// All of it is judged before any of it takes effect: what does not fit changes nothing, is counted
// and logged. Called by commit_session.
Task<void> apply_backend_writes(Exchange& x);

}  // namespace keepsake
