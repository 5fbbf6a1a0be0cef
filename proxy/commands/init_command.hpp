#pragma once
// `keepsake init`: writes a commented configuration for one service after three questions. What a
// flag says is not asked; without a terminal nothing is asked and the defaults stand, so scripts
// need no flag.

#include <iosfwd>
#include <optional>
#include <string>

namespace keepsake {

struct InitOptions {
  std::optional<std::string> backend;    // URL of the service
  std::optional<std::string> listen;     // where clients connect
  std::optional<std::string> field;      // form field to remember
  bool sign_in = false;                  // routes for a login that the service checks
  std::string certificate;               // with `key`: https
  std::string key;
  std::string redis;                     // URL; empty: sessions in cookies
  std::string output = "keepsake.yaml";  // "-": standard output
  bool force = false;                    // replace a file that is there
};

// Asks on `out` and reads `in` when `interactive`; refusals go to `err`. Returns an exit code.
int init_command(const InitOptions& options, std::istream& in, std::ostream& out, std::ostream& err,
                 bool interactive);

}  // namespace keepsake
