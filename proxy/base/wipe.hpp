#pragma once
// Overwrites a secret's text before its memory goes to somebody else.

#include <string>

namespace keepsake {

// The text is gone from its memory afterwards, also from what its capacity holds behind its end.
void wipe(std::string& text);

}  // namespace keepsake
