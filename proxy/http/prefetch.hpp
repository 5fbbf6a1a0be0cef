#pragma once
// Whether a request was made in advance, for a page that the visitor may never open. Called by
// run_action.

#include "http/head.hpp"

namespace keepsake {

// Browsers and their predecessors say so in Sec-Purpose, Purpose, X-Purpose or X-Moz, frameworks in
// headers of their own, such as Next-Router-Prefetch.
bool is_prefetch(const RequestHead& head);

}  // namespace keepsake
