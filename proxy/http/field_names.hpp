#pragma once
// Which header names mean something to Keepsake. A FieldTable is made once per configuration (it
// also knows the session headers) and asked once per header line: the answer carries the folded
// identity and whether the name was really that name or only folds to it (a disguise such as
// X_Session.Name).

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/plain_name.hpp"

namespace keepsake {

enum class FieldId : std::uint8_t {
  Other,
  Host,
  ContentLength,
  TransferEncoding,
  Connection,
  Cookie,
  Expect,
  Upgrade,
  Te,
  Trailer,
  KeepAlive,
  ProxyConnection,
  ProxyAuthorization,
  ProxyAuthenticate,
  Http2Settings,
  MaxForwards,
  Destination,
  XForwardedFor,
  XForwardedProto,
  XForwardedHost,
  XForwardedPort,
  XForwardedOther,
  Forwarded,
  XRealIp,
  XRequestId,
  Traceparent,
  Tracestate,
  ContentType,
  Accept,
  Origin,
  Referer,
  SecFetchSite,
  UserAgent,
  SecWebSocketKey,
  Authorization,
  // responses
  SetCookie,
  Vary,
  CacheControl,
  Expires,
  Pragma,
  CdnCacheControl,
  SurrogateControl,
  Date,
  Location,
  ContentLocation,
  XSessionSet,
  XSessionClear,
  XSessionRenew,
  XSessionLifetime,
  SecWebSocketAccept,
  WwwAuthenticate,
  // injected by this configuration: session headers, assertions, client-certificate headers
  Injected,
  Count
};
inline constexpr std::size_t kFieldIds = static_cast<std::size_t>(FieldId::Count);

struct FieldName {
  FieldId id = FieldId::Other;
  bool exact = true;  // false: only equal after folding
};

class FieldTable {
 public:
  // `injected`: names of headers that Keepsake adds to requests.
  explicit FieldTable(const std::vector<std::string>& injected = {});

  // `name` is a valid, non-empty token.
  FieldName find(std::string_view name) const;
  // The same for one that is folded already; such a name is always exact.
  FieldName find(const PlainName& name) const;

 private:
  struct Entry {
    std::string folded;
    FieldId id = FieldId::Other;
    char plain[PlainName::kMost] = {};  // `folded` again, if it is short enough
  };
  static std::size_t slot_of(char first, char middle, char last, std::size_t size);
  void add(std::string_view name, FieldId id);

  std::vector<Entry> entries_;
  std::array<std::uint8_t, 256> slots_{};  // index into entries_ + 1; linear probing
};

}  // namespace keepsake
