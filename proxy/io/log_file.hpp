#pragma once
// A file that lines are appended to: the log's or the access log's. Opened by the control thread at
// start, at a reload and when SIGUSR1 asks for it; closed when the last writer has turned to the
// next one. Each write is one append, so several workers may share it.

#include <memory>
#include <string>
#include <utility>

namespace keepsake {

class LogFile {
 public:
  // Empty, and a sentence in `error`, if it cannot be written. Made with mode 0640 if it is
  // missing.
  static std::shared_ptr<const LogFile> open(const std::string& path, std::string& error);
  LogFile(int fd, std::string made) : fd_(fd), made_(std::move(made)) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  int fd() const { return fd_; }
  // Undoes open(): a file that it made, and that has no line yet, is removed.
  void discard() const;

 private:
  int fd_;
  std::string made_;  // the path, if open() made the file
};

}  // namespace keepsake
