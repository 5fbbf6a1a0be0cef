#pragma once
// Whether a request that changes a session was caused by another site's page (Fetch Metadata, with
// the Origin and Referer of older browsers). Called by run_action and relay_upgrade.

#include <optional>
#include <string_view>

namespace keepsake {

struct SiteHints {
  // The fields of the request; empty when absent. Joined lines or lists never compare equal.
  std::optional<std::string_view> sec_fetch_site;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> referer;
  std::string_view host;  // Host, or a trusted peer's X-Forwarded-Host
};

// True = refuse. A request without any of the three fields is not a browser's and passes.
bool cross_site(const SiteHints& hints);

}  // namespace keepsake
