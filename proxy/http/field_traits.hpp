#pragma once
// What each known header name is to those who pass heads on: one table, so that a new name is
// judged once. Asked by check_request, request_head, response_head and config/header_names.

#include <array>
#include <cstddef>
#include <cstdint>

#include "http/field_names.hpp"

namespace keepsake {

using FieldTraits = std::uint16_t;

// Keepsake relies on it or adds it: no Connection option of a client removes it.
inline constexpr FieldTraits kNotNominable = 1U << 0U;
// Backends get Keepsake's own line of it, or none. A disguise of it is a spoof.
inline constexpr FieldTraits kOwnToBackends = 1U << 1U;
// Backends get it from trusted proxies only. A disguise of it is a spoof.
inline constexpr FieldTraits kFromProxies = 1U << 2U;
// Ends with the client's connection, and is not forwarded to backends.
inline constexpr FieldTraits kHopOfRequest = 1U << 3U;
// A value that this configuration injects: whatever a client sends is a spoof.
inline constexpr FieldTraits kInjected = 1U << 4U;
// Backends get it as it came, or as the route has it (Destination).
inline constexpr FieldTraits kMoved = 1U << 5U;
// Clients never get a backend's line of it.
inline constexpr FieldTraits kNotToClients = 1U << 6U;
// Whether clients get it depends on more than its name.
inline constexpr FieldTraits kJudgedToClients = 1U << 7U;
// No configuration gives it another value, in either direction.
inline constexpr FieldTraits kDecided = 1U << 8U;
// No Connection option of a backend removes it.
inline constexpr FieldTraits kStaysWithResponse = 1U << 9U;

inline constexpr FieldTraits kJudgedToBackends =
    kOwnToBackends | kFromProxies | kHopOfRequest | kInjected | kMoved;

namespace field_traits {

struct Entry {
  FieldId id;
  FieldTraits traits;
};

inline constexpr FieldTraits kOwn = kNotNominable | kOwnToBackends | kDecided;
inline constexpr FieldTraits kProxies = kNotNominable | kFromProxies | kDecided;
inline constexpr FieldTraits kHop = kHopOfRequest | kDecided;

inline constexpr Entry kEntries[] = {
    {FieldId::Host, kOwn},
    {FieldId::Cookie, kOwn},
    {FieldId::ContentLength, kOwn | kNotToClients},
    {FieldId::TransferEncoding, kOwn | kNotToClients},
    {FieldId::Connection, kOwn | kJudgedToClients},
    {FieldId::XForwardedFor, kOwn},
    {FieldId::XForwardedProto, kOwn},
    {FieldId::XForwardedHost, kOwn},
    {FieldId::XForwardedPort, kOwn},
    {FieldId::XRequestId, kOwn},
    {FieldId::XForwardedOther, kProxies},
    {FieldId::Forwarded, kProxies},
    {FieldId::XRealIp, kProxies},
    {FieldId::Expect, kHop | kNotNominable},
    {FieldId::Upgrade, kHop | kNotNominable | kJudgedToClients | kStaysWithResponse},
    {FieldId::Te, kHop | kNotToClients},
    {FieldId::Trailer, kHop | kJudgedToClients},
    {FieldId::KeepAlive, kHop | kNotToClients},
    {FieldId::ProxyConnection, kHop | kNotToClients},
    {FieldId::ProxyAuthorization, kHop},
    {FieldId::ProxyAuthenticate, kDecided | kNotToClients},
    {FieldId::Http2Settings, kHop},
    {FieldId::Destination, kMoved},
    {FieldId::SecWebSocketKey, kDecided},
    {FieldId::SecWebSocketAccept, kDecided},
    {FieldId::SetCookie, kDecided | kJudgedToClients | kStaysWithResponse},
    {FieldId::Date, kStaysWithResponse},
    {FieldId::XSessionSet, kDecided | kNotToClients},
    {FieldId::XSessionClear, kDecided | kNotToClients},
    {FieldId::XSessionRenew, kDecided | kNotToClients},
    {FieldId::XSessionLifetime, kDecided | kNotToClients},
    {FieldId::Injected, kNotNominable | kInjected},
};

inline constexpr std::array<FieldTraits, kFieldIds> kTable = [] {
  std::array<FieldTraits, kFieldIds> table{};
  for (const Entry& entry : kEntries) {
    table[static_cast<std::size_t>(entry.id)] = entry.traits;
  }
  return table;
}();

}  // namespace field_traits

constexpr FieldTraits traits_of(FieldId id) {
  return field_traits::kTable[static_cast<std::size_t>(id)];
}

}  // namespace keepsake
