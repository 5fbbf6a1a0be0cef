#include "http/field_names.hpp"

#include <stdexcept>

#include "http/chars.hpp"

namespace keepsake {

namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

constexpr Known kKnown[] = {
    {"host", FieldId::Host},
    {"content-length", FieldId::ContentLength},
    {"transfer-encoding", FieldId::TransferEncoding},
    {"connection", FieldId::Connection},
    {"cookie", FieldId::Cookie},
    {"expect", FieldId::Expect},
    {"upgrade", FieldId::Upgrade},
    {"te", FieldId::Te},
    {"trailer", FieldId::Trailer},
    {"keep-alive", FieldId::KeepAlive},
    {"proxy-connection", FieldId::ProxyConnection},
    {"proxy-authorization", FieldId::ProxyAuthorization},
    {"proxy-authenticate", FieldId::ProxyAuthenticate},
    {"http2-settings", FieldId::Http2Settings},
    {"max-forwards", FieldId::MaxForwards},
    {"destination", FieldId::Destination},
    {"x-forwarded-for", FieldId::XForwardedFor},
    {"x-forwarded-proto", FieldId::XForwardedProto},
    {"x-forwarded-host", FieldId::XForwardedHost},
    {"x-forwarded-port", FieldId::XForwardedPort},
    {"forwarded", FieldId::Forwarded},
    {"x-real-ip", FieldId::XRealIp},
    {"x-request-id", FieldId::XRequestId},
    {"traceparent", FieldId::Traceparent},
    {"tracestate", FieldId::Tracestate},
    {"content-type", FieldId::ContentType},
    {"accept", FieldId::Accept},
    {"origin", FieldId::Origin},
    {"referer", FieldId::Referer},
    {"sec-fetch-site", FieldId::SecFetchSite},
    {"user-agent", FieldId::UserAgent},
    {"sec-websocket-key", FieldId::SecWebSocketKey},
    {"set-cookie", FieldId::SetCookie},
    {"vary", FieldId::Vary},
    {"cache-control", FieldId::CacheControl},
    {"expires", FieldId::Expires},
    {"pragma", FieldId::Pragma},
    {"cdn-cache-control", FieldId::CdnCacheControl},
    {"surrogate-control", FieldId::SurrogateControl},
    {"date", FieldId::Date},
    {"location", FieldId::Location},
    {"content-location", FieldId::ContentLocation},
    {"x-session-set", FieldId::XSessionSet},
    {"x-session-clear", FieldId::XSessionClear},
    {"x-session-renew", FieldId::XSessionRenew},
    {"x-session-lifetime", FieldId::XSessionLifetime},
    {"sec-websocket-accept", FieldId::SecWebSocketAccept},
    {"authorization", FieldId::Authorization},
    {"www-authenticate", FieldId::WwwAuthenticate},
};

// Both arguments have the same size; `folded` is folded. `exact` tells whether folding was needed
// for more than the case of letters.
bool folds_to(std::string_view name, std::string_view folded, bool& exact) {
  bool plain = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char f = fold(name[i]);
    if (f != folded[i]) {
      return false;
    }
    plain = plain && (f != '-' || name[i] == '-');
  }
  exact = plain;
  return true;
}

constexpr std::string_view kForwardedPrefix = "x-forwarded-";

}  // namespace

FieldTable::FieldTable(const std::vector<std::string>& injected) {
  // Injected names first: a session header that shadows a known name must win.
  for (const std::string& name : injected) {
    add(name, FieldId::Injected);
  }
  for (const Known& known : kKnown) {
    add(known.name, known.id);
  }
}

std::size_t FieldTable::slot_of(char first, char middle, char last, std::size_t size) {
  return (size * 31U + static_cast<unsigned char>(first) * 7U +
          static_cast<unsigned char>(middle) * 59U + static_cast<unsigned char>(last) * 17U) &
         0xffU;
}

void FieldTable::add(std::string_view name, FieldId id) {
  bool exact = true;
  std::string folded;
  for (const char c : name) {
    folded.push_back(fold(c));
  }
  for (const Entry& entry : entries_) {
    if (entry.folded.size() == folded.size() && folds_to(folded, entry.folded, exact)) {
      return;
    }
  }
  if (entries_.size() >= 200) {
    throw std::length_error("too many injected header names");  // at load time; config allows fewer
  }
  std::size_t slot =
      slot_of(folded.front(), folded[folded.size() / 2], folded.back(), folded.size());
  while (slots_[slot] != 0) {
    slot = (slot + 1) & 0xffU;
  }
  Entry& entry = entries_.emplace_back();
  if (folded.size() < PlainName::kMost) {
    folded.copy(entry.plain, folded.size());
  }
  entry.folded = std::move(folded);
  entry.id = id;
  slots_[slot] = static_cast<std::uint8_t>(entries_.size());
}

FieldName FieldTable::find(std::string_view name) const {
  FieldName found;
  for (std::size_t slot =
           slot_of(fold(name.front()), fold(name[name.size() / 2]), fold(name.back()), name.size());
       slots_[slot] != 0; slot = (slot + 1) & 0xffU) {
    const Entry& entry = entries_[slots_[slot] - 1U];
    if (entry.folded.size() == name.size() && folds_to(name, entry.folded, found.exact)) {
      found.id = entry.id;
      return found;
    }
  }
  if (name.size() > kForwardedPrefix.size() && fold(name[2]) == 'f' &&
      folds_to(name.substr(0, kForwardedPrefix.size()), kForwardedPrefix, found.exact)) {
    found.id = FieldId::XForwardedOther;
  }
  return found;
}

FieldName FieldTable::find(const PlainName& name) const {
  for (std::size_t slot = slot_of(name.folded[0], name.folded[name.size / 2],
                                  name.folded[name.size - 1], name.size);
       slots_[slot] != 0; slot = (slot + 1) & 0xffU) {
    const Entry& entry = entries_[slots_[slot] - 1U];
    if (entry.folded.size() == name.size && same_folded(entry.plain, name.folded)) {
      return {entry.id, true};
    }
  }
  if (name.size > kForwardedPrefix.size() && name.folded[2] == 'f' &&
      std::string_view{name.folded, kForwardedPrefix.size()} == kForwardedPrefix) {
    return {FieldId::XForwardedOther, true};
  }
  return {};
}

}  // namespace keepsake
