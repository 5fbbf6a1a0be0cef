#include "io/tls_files.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keepsake {

namespace {
constexpr std::size_t kMost = 1024 * 1024;
}

std::optional<std::string> read_tls_file(const std::string& path, std::string& error) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info{};
  if (fd < 0 || ::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    error = fd < 0 ? std::strerror(errno) : "it is a directory";
    if (fd < 0 && errno == EACCES) {
      error.append(" for user ").append(std::to_string(::geteuid()));
    }
    if (fd >= 0) {
      ::close(fd);
    }
    return std::nullopt;
  }
  std::string text;
  char bytes[4096];
  ssize_t n = 0;
  while ((n = ::read(fd, bytes, sizeof bytes)) > 0 && text.size() <= kMost) {
    text.append(bytes, static_cast<std::size_t>(n));
  }
  OPENSSL_cleanse(bytes, sizeof bytes);
  if (n < 0) {
    error = std::strerror(errno);
  } else if (text.size() > kMost) {
    error = "it has more than 1 MiB";
  }
  ::close(fd);
  if (n < 0 || text.size() > kMost) {
    wipe(text);
    return std::nullopt;
  }
  return text;
}

TlsFileStamp::TlsFileStamp(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    struct stat info{};
    if (!path.empty() && ::stat(path.c_str(), &info) == 0) {
      for (const auto number :
           {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
            static_cast<std::uint64_t>(info.st_size),
            static_cast<std::uint64_t>(info.st_mtim.tv_sec),
            static_cast<std::uint64_t>(info.st_mtim.tv_nsec)}) {
        numbers_.push_back(number);
      }
    } else {
      numbers_.push_back(0);
    }
  }
}

}  // namespace keepsake
