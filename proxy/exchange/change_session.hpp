#pragma once
// How values get into a session, for actions (run_action) and for backends that write
// (obey_backend): within the limits, all of
// them or none, into the cookie or into the store.

#include "exchange/exchange.hpp"
#include "http/form.hpp"
#include "io/task.hpp"
#include "store/session_store.hpp"

namespace keepsake {

struct ChangeTerms {
  bool may_begin = false;  // with a store: whether a session that is gone may begin anew
  bool renew = false;      // the session gets a new id, whatever changes
  std::optional<LifetimeChange> lifetime{};
};

// Puts each (key, value) into the visitor's session in order; an empty value removes the key. On a
// fault the session in the workspace is meaningless: the caller lets the visitor's cookie stand. A
// session that was empty gets a new id, and so does one of which a privileged key changes.
Task<Fault> change_session(Exchange& x, const std::vector<FormPair>& pairs, ChangeTerms terms);

// Ends the visitor's session, in the store too, and every other whose cookie came with the request.
Task<Fault> end_session(Exchange& x);

// With a store: a new session with these values in place of the visitor's, which ends once the new
// one is there. Whatever is refused or fails, it is as it was.
Task<Fault> replace_session(Exchange& x, const std::vector<FormPair>& pairs,
                            const std::optional<LifetimeChange>& lifetime);

}  // namespace keepsake
