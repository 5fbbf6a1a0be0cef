#pragma once
// Addresses that a backend writes as it sees itself, and clients as they see it: another scheme,
// host or prefix of the path. Called by move_locations, for routes with rewrite.location. Pure
// text.

#include <string>
#include <string_view>

#include "http/host.hpp"

namespace keepsake {

// One place as it is seen from one side.
struct SeenAs {
  bool https = false;
  std::string_view authority;  // host[:port] as in Host; empty where nobody said it
  std::string_view prefix;     // in front of every path; empty or as in /api
};

struct Move {
  SeenAs client;
  SeenAs backend;
  std::string_view server;  // host[:port] at which the backend was connected to
};

// A Location or Content-Location (a URI reference, RFC 9110 10.2.2). True: `out` is what the client
// must see instead. What names another host, or is relative, stays.
bool move_location(std::string_view value, const Move& move, std::string& out);

// The value of a Set-Cookie whose Path follows the prefix; the other way round as above. A __Host-
// cookie keeps the "/" that its name asks for.
bool move_cookie(std::string_view value, const Move& move, std::string& out);

// A Destination (RFC 4918 10.3), which the client has written, as the backend must see it. `path`
// is its path behind the client's prefix.
void move_destination(std::string_view path, std::string_view search, bool absolute,
                      const SeenAs& backend, std::string& out);

}  // namespace keepsake
