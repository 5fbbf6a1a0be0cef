#include "commands/check_command.hpp"

#include <iostream>

#include "process/config_file.hpp"
#include "process/describe.hpp"
#include "process/exit_code.hpp"

namespace keepsake {

int check_command(const std::string& config_file) {
  const auto path = find_config_file(config_file, std::cerr);
  if (!path) {
    return kWrongInput;
  }
  const auto config = load_or_explain(*path, std::cerr);
  if (!config) {
    return kWrongInput;
  }
  for (const std::string& risk : risks(*config)) {
    std::cerr << "warning: " << *path << ": " << risk << '\n';
  }
  std::cout << "OK: " << *path << '\n';
  for (const std::string& listener : describe_listeners(*config)) {
    std::cout << "would listen on " << listener << '\n';
  }
  for (const ListenConfig& listen : config->listen) {
    for (const TlsFiles& files : listen.tls ? listen.tls->certificates : std::vector<TlsFiles>{}) {
      std::cout << "would show the certificate " << files.certificate << " at "
                << listen.address.to_string() << '\n';
    }
  }
  if (config->admin.address) {
    std::cout << "would listen on " << config->admin.address->to_string()
              << " for administration\n";
  }
  for (const std::string& backend : describe_backends(*config)) {
    std::cout << "would forward to " << backend << '\n';
  }
  std::cout << "would keep sessions in a " << describe_sessions(*config) << '\n';
  return std::cout.flush() ? kFine : kFailed;
}

}  // namespace keepsake
