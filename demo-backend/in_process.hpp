#pragma once
// The demo backend inside another program: on a free port of the loopback, served by a thread of
// its own. What `keepsake run --demo` stands in front of.

#include <cstdint>
#include <memory>

namespace keepsake::demo {

class InProcess {
 public:
  InProcess();  // throws if it cannot listen
  ~InProcess();
  InProcess(const InProcess&) = delete;
  InProcess& operator=(const InProcess&) = delete;

  std::uint16_t port() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace keepsake::demo
