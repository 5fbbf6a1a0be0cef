#pragma once
// `keepsake keygen`: a new secret for session.secrets on standard output.

namespace keepsake {

int keygen_command();

}  // namespace keepsake
