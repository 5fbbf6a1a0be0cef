#pragma once
// Everything that can end an exchange early, as one flat enumeration. Steps return a Fault as a
// value; only exchange/fail_exchange.cpp turns it into a response, and only log and metrics print its
// word.

#include <cstdint>
#include <string_view>

namespace keepsake {

enum class Side : std::uint8_t { Client, Backend, Proxy };

enum class Fault : std::uint8_t {
  None,
  // the client's
  BadRequest,
  BadHost,
  BadTarget,
  AmbiguousPath,
  TargetTooLong,
  HeadTooLarge,
  BadVersion,
  UnknownCoding,
  BadExpectation,
  NotFound,
  MethodNotAllowed,
  CrossSite,
  ForeignDestination,
  Prefetch,
  HeadTimeout,
  BodyTimeout,
  BodyTooLarge,
  BadBody,
  WrongMediaType,
  BadForm,
  MissingField,
  ValueTooLarge,
  TooManyValues,
  SessionTooLarge,
  BadUpgrade,
  RateLimited,
  AddressDenied,
  SessionRequired,
  SessionRefused,
  PlainHttp,
  ClientGone,
  ClientStalled,
  // the backend's
  BackendUnreachable,
  BackendConnectTimeout,
  BackendTimeout,
  BackendClosed,
  BackendBadResponse,
  BackendHeadTooLarge,
  BackendStalled,
  BackendTls,
  // our own
  NoServer,
  Loop,
  Overloaded,
  StoreDown,
  Internal,
  Count
};

struct FaultInfo {
  std::string_view word;    // for logs and metrics: "bad_request"
  Side side;                // who is to blame
  std::uint16_t status;     // what the client gets; 0: the connection is closed without a word
  std::string_view title;   // for the client; says nothing internal
  std::string_view detail;  // for the client: what to do about it
  bool close;               // the client connection cannot go on
};

const FaultInfo& describe(Fault fault);

}  // namespace keepsake
