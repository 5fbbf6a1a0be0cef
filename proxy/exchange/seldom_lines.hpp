#pragma once
// The log lines that anybody on the network can cause, each at most once a minute in the whole
// process. What they tell of is counted besides.

#include <array>

#include "base/error.hpp"
#include "base/seldom.hpp"

namespace keepsake {

enum class SeldomLine : std::uint8_t {
  UnknownKey,         // a session cookie under a secret that is not configured
  ForeignCookie,      // a cookie with our name that is none of ours
  ForgedCookie,       // one that names our key and does not authenticate
  FutureCookie,       // one that is stamped by a clock ahead of ours
  RivalCookies,       // two sessions in one request
  DroppedSetCookie,   // a backend sets a cookie with our name
  OtherDomain,        // the host is not within cookie.domain
  SecureOverHttp,     // a Secure cookie for a client on plain http
  LargeSession,       // a backend refuses a head with our session headers
  NoRing,             // balance: session_hash without a session id
  Connections,        // limits.connections are open
  ClientConnections,  // limits.connections_per_client are open from one client
  Handshakes,         // limits.handshakes are in progress
  AmbiguousPath,      // another spelling of a guarded route's path
  Http2Flood,         // a client does what costs it little and Keepsake much
  Http2Fault,         // a client breaks the rules of HTTP/2
  Count
};

class SeldomLines {
 public:
  bool now(SeldomLine line, SteadyTime time) {
    return lines_[static_cast<std::size_t>(line)].now(time);
  }
  bool now(Fault fault, SteadyTime time) {
    return faults_[static_cast<std::size_t>(fault)].now(time);
  }

 private:
  std::array<Seldom, static_cast<std::size_t>(SeldomLine::Count)> lines_;
  std::array<Seldom, static_cast<std::size_t>(Fault::Count)> faults_;
};

}  // namespace keepsake
