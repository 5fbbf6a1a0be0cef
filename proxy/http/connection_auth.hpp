#pragma once
// NTLM and Negotiate authenticate a connection, not a request (RFC 4559 6): what names them in
// WWW-Authenticate or Authorization says whose connection it is from then on.

#include <string_view>

namespace keepsake {

// Whether a value of WWW-Authenticate or Authorization names NTLM or Negotiate as a scheme: in any
// letter case, anywhere in a list of challenges, with or without parameters. A realm of that name
// is none. When in doubt: yes.
bool names_connection_auth(std::string_view value);

}  // namespace keepsake
