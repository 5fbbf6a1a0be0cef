#pragma once
// Under which names the admin listener answers. A page of another site can give its own name the
// address of this listener and then read it as its own origin (DNS rebinding): only names that no
// public name service can hand out are answered, and those that `admin.hosts` adds.

#include <string>
#include <string_view>
#include <vector>

namespace keepsake {

// `host` as the Host header has it, with or without port; empty: there was none. `more` is
// admin.hosts, in lower case.
bool is_admin_host(std::string_view host, const std::vector<std::string>& more);

}  // namespace keepsake
