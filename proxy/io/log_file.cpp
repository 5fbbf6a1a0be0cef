#include "io/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keepsake {

std::shared_ptr<const LogFile> LogFile::open(const std::string& path, std::string& error) {
  // O_NONBLOCK: a named pipe that nobody reads is an error, not an endless wait.
  constexpr int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int fd = ::open(path.c_str(), flags | O_CREAT | O_EXCL, 0640);
  const bool made = fd >= 0;
  if (!made && errno == EEXIST) {
    fd = ::open(path.c_str(), flags | O_CREAT, 0640);  // a link may lead to a file that is missing
  }
  if (fd < 0) {
    error = "cannot write to " + path + ": " + std::strerror(errno);
    return nullptr;
  }
  return std::make_shared<const LogFile>(fd, made ? path : std::string{});
}

void LogFile::discard() const {
  struct stat file{};
  if (!made_.empty() && ::fstat(fd_, &file) == 0 && file.st_size == 0) {
    ::unlink(made_.c_str());
  }
}

LogFile::~LogFile() {
  ::close(fd_);
}

}  // namespace keepsake
