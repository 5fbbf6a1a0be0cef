#pragma once
// The weight of an element of Accept and fields like it (RFC 9110 12.4.2).

#include <optional>
#include <string_view>

namespace keepsake {

// `parameters` is what follows the element's first semicolon. In thousandths; 1000 where there is
// no weight, nothing where it is malformed.
std::optional<unsigned> read_weight(std::string_view parameters);

}  // namespace keepsake
