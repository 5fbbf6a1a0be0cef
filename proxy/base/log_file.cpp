#include "base/log_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keepsake {

std::shared_ptr<const LogFile> LogFile::open(const std::string& path, std::string& error) {
  // O_NONBLOCK: a named pipe that nobody reads is an error, not an endless wait.
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
  if (fd < 0) {
    error = "cannot write to " + path + ": " + std::strerror(errno);
    return nullptr;
  }
  return std::make_shared<const LogFile>(fd);
}

LogFile::~LogFile() {
  ::close(fd_);
}

}  // namespace keepsake
