#pragma once
// What one read of a request's body brings.

#include <string_view>

#include "base/error.hpp"

namespace keepsake {

// The next bytes of the body, decoded: all that have arrived. `data` is valid until the next read.
struct BodyPiece {
  Fault fault = Fault::None;
  bool end = false;  // nothing follows `data`
  std::string_view data;
};

}  // namespace keepsake
