#include "config/available.hpp"

namespace keepsake {

// Everything that the language has is built. A setting that a later version executes is refused here
// until then: report.problem(path, what + " is not available in this version").
void check_available(const Config&, Report&) {}

}  // namespace keepsake
