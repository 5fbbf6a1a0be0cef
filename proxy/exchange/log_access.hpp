#pragma once
// Step 7: one line per exchange, into a buffer of the worker's own that goes to the log writer when
// it is full or a little later. A reader that is too slow loses lines, which are counted, never an
// exchange its time.

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/metrics.hpp"
#include "io/asio.hpp"
#include "io/log_file.hpp"

namespace keepsake {

struct Exchange;
class LogWriter;

class AccessLog {
 public:
  AccessLog(asio::io_context& io, Metrics& metrics, LogWriter& writer, int fd);

  // Where a line may be appended; it must end in '\n' and be followed by added().
  std::string& buffer() { return buffer_; }
  void added();
  void flush();
  // No more lines come: what waits for its time is written now.
  void finish();
  // From now on lines go there; those that wait are written where they were meant to go. Empty:
  // back to the first descriptor.
  void write_to(std::shared_ptr<const LogFile> file);

 private:
  asio::steady_timer timer_;
  Metrics& metrics_;
  LogWriter& writer_;
  int first_fd_;
  std::shared_ptr<const LogFile> file_;
  int fd_;
  std::string buffer_;
  bool timer_runs_ = false;
};

// Counts the exchange and, if log.access is on, writes its line. Without session values, cookies or
// queries' secrets: the target is logged as it came, but no header values other than Referer and
// User-Agent.
void log_access(Exchange& x);

}  // namespace keepsake
