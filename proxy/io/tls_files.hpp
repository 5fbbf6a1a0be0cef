#pragma once
// Small files that are read again when they change: how a set of them is read, and how a change is
// noticed (also when a directory above is a symbolic link that moves, as certificates of Kubernetes
// secrets do). Used by TlsListener and TlsBackend; blocks on the disk, so never on a worker.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/wipe.hpp"

namespace keepsake {

// The file's text, at most 1 MiB; empty with one short reason in `error`.
std::optional<std::string> read_tls_file(const std::string& path, std::string& error);

// What tells one state of the files from another.
class TlsFileStamp {
 public:
  TlsFileStamp() = default;
  explicit TlsFileStamp(const std::vector<std::string>& paths);
  bool operator==(const TlsFileStamp&) const = default;

 private:
  std::vector<std::uint64_t> numbers_;
};

}  // namespace keepsake
