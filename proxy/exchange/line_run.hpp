#pragma once
// Lines of a head that go on as they came: neighbours are copied together. Used by request_head and
// response_head.

#include <string>
#include <string_view>

namespace keepsake {

class LineRun {
 public:
  explicit LineRun(std::string& out) : out_(out) {}

  void add(std::string_view line) {
    if (line.data() != end_) {
      flush();
      begin_ = line.data();
    }
    end_ = line.data() + line.size();
  }
  // Before anything else is appended behind the lines.
  void flush() {
    if (begin_ != end_) {
      out_.append(begin_, static_cast<std::size_t>(end_ - begin_));
    }
    begin_ = end_ = nullptr;
  }

 private:
  std::string& out_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace keepsake
