#pragma once
// application/json (RFC 8259) as a form: one flat object, read strictly. The bodies of `set`
// actions that scripts send. Called by run_action; never guesses.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/form.hpp"

namespace keepsake {

// Whether a Content-Type field says JSON in UTF-8: the charset parameter may say so, no other
// charset and no other parameter may be there.
bool is_json_type(std::string_view content_type);

// The wanted members into values[i] for wanted[i]: strings, numbers in their spelling, true and
// false; null is empty. Other members are ignored, but an object or array anywhere, a name that
// comes twice and a surrogate without its other half make the whole body bad. `values` is
// meaningless after an error.
FormError read_json_form(std::string_view body, std::span<const std::string_view> wanted,
                         std::vector<std::string>& values);

}  // namespace keepsake
