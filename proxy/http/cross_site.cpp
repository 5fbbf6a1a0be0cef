#include "http/cross_site.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "http/host.hpp"
#include "http/origin.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kHidden = "null";  // of a page that does not say where it is

// The port of the site, where anything states it.
std::string_view stated_port(const SiteHints& hints, const HostPort& site) {
  return without_zeros(hints.port.empty() ? site.port : hints.port);
}

bool same_place(const std::optional<WebOrigin>& page, const SiteHints& hints) {
  const std::optional<HostPort> site = parse_host(hints.host);
  if (!page || !site || !hosts_match(page->host, site->host)) {
    return false;
  }
  const std::string_view port = stated_port(hints, *site);
  return page->port == (port.empty() ? port_of_scheme(hints.https || page->https) : port);
}

bool is_trusted_origin(std::string_view origin, std::span<const std::string> trusted) {
  const std::optional<WebOrigin> page = parse_origin(origin);
  return page && std::any_of(trusted.begin(), trusted.end(), [&page](const std::string& listed) {
           const std::optional<WebOrigin> other = parse_origin(listed);
           return other && *other == *page;
         });
}

// A name has at most 253 bytes; what is longer names nothing.
void append_host(std::string_view host, std::string& out) {
  constexpr std::size_t kLongest = 253;
  out.append(host.substr(0, kLongest));
}

}  // namespace

bool cross_site(const SiteHints& hints, std::span<const std::string> trusted) {
  if (hints.origin && is_trusted_origin(*hints.origin, trusted)) {
    return false;
  }
  if (hints.sec_fetch_site) {
    return *hints.sec_fetch_site != "same-origin" && *hints.sec_fetch_site != "none";
  }
  // Sandboxed pages and those behind a redirect hide their origin (Fetch, "append a request Origin
  // header"); a Referer may still name it.
  const bool by_referer = !hints.origin || (*hints.origin == kHidden && hints.referer);
  if (!by_referer) {
    return !same_place(parse_origin(*hints.origin), hints);
  }
  return hints.referer && !same_place(origin_of_url(*hints.referer), hints);
}

std::string_view own_page(const SiteHints& hints) {
  if (!hints.referer || !same_place(origin_of_url(*hints.referer), hints)) {
    return {};
  }
  std::string_view page = hints.referer->substr(hints.referer->find("//") + 2);
  page = page.substr(0, page.find('#'));
  const std::size_t path = page.find_first_of("/?");
  return path == std::string_view::npos ? "/" : page.substr(path);
}

std::string page_of(const SiteHints& hints) {
  const bool hidden = hints.origin == kHidden;
  std::optional<WebOrigin> page;
  if (hints.origin && !hidden) {
    page = parse_origin(*hints.origin);
  } else if (hints.referer) {
    page = origin_of_url(*hints.referer);
  }
  if (page) {
    std::string text = page->https ? "https://" : "http://";
    append_host(page->host, text);
    if (page->port != port_of_scheme(page->https)) {
      text.append(":").append(page->port);
    }
    return text;
  }
  return hidden ? "a page that hides its address (Origin: null)" : "a page of another site";
}

std::string site_of(const SiteHints& hints) {
  const std::optional<HostPort> site = parse_host(hints.host);
  if (!site) {
    return "an address without a host";
  }
  std::string text = hints.https ? "https://" : "";
  append_host(site->host, text);
  const std::string_view port = stated_port(hints, *site);
  if (!port.empty() && !(hints.https && port == port_of_scheme(true))) {
    text.append(":").append(port);
  }
  return text;
}

}  // namespace keepsake
