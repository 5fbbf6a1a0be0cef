#pragma once
// What a request's own headers say about the site that caused it, for run_action and for
// WebSockets.

#include "http/cross_site.hpp"
#include "server/exchange.hpp"

namespace keepsake {

inline SiteHints site_hints(const Exchange& x) {
  const RequestHead& head = x.work.request;
  SiteHints hints;
  const auto value = [&](FieldId id) -> std::optional<std::string_view> {
    const Field* field = head.find(id);
    return field == nullptr ? std::nullopt : std::optional{field->value};
  };
  hints.sec_fetch_site = value(FieldId::SecFetchSite);
  hints.origin = value(FieldId::Origin);
  hints.referer = value(FieldId::Referer);
  hints.host = value(FieldId::Host).value_or("");
  if (x.client.peer.trusted) {
    hints.host = value(FieldId::XForwardedHost).value_or(hints.host);
  }
  return hints;
}

}  // namespace keepsake
