#pragma once
// What `keepsake run --demo` needs instead of a file: the demo backend inside this process and a
// configuration with a key of its own, which nobody else ever has. Used by run_command alone.

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"

namespace keepsake {

class DemoBackend {
 public:
  // Listens on a free port of the loopback and serves from a thread of its own; throws
  // std::exception when it cannot.
  DemoBackend();
  ~DemoBackend();
  DemoBackend(const DemoBackend&) = delete;
  DemoBackend& operator=(const DemoBackend&) = delete;

  std::uint16_t port() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

// The tutorial in front of that backend, on `listen` (host:port); explains on `err` what is wrong with
// `listen` when it is empty.
std::optional<Config> demo_config(const std::string& listen, std::uint16_t backend_port,
                                  std::ostream& err);

}  // namespace keepsake
