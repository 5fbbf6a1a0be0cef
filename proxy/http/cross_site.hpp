#pragma once
// Whether a request that changes a session was caused by another site's page (Fetch Metadata, with
// the Origin and Referer of older browsers). Called by check_site.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keepsake {

struct SiteHints {
  // The fields of the request; empty when absent. Joined lines or lists never compare equal.
  std::optional<std::string_view> sec_fetch_site;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> referer;
  std::string_view host;  // Host, or a trusted peer's X-Forwarded-Host
  std::string_view port;  // a trusted peer's X-Forwarded-Port; empty: the one in `host`
  // The visitor is known to use https, so that a port that is not stated is 443. Else it is the one
  // of the page's scheme: a balancer that ends TLS does not always say so.
  bool https = false;
};

// True = refuse. A request without any of the three fields is not a browser's and passes. So does
// one whose Origin is exactly one of `trusted`, which have the form that parse_origin reads.
bool cross_site(const SiteHints& hints, std::span<const std::string> trusted = {});

// Path and query of a Referer that is a page of this site; else empty.
std::string_view own_page(const SiteHints& hints);

// The two sides that differ, for the client and the operator: "http://evil.example" and
// "https://a.example", without the scheme where that is not known. Only valid addresses are
// repeated.
std::string page_of(const SiteHints& hints);
std::string site_of(const SiteHints& hints);

}  // namespace keepsake
