#include "exchange/services.hpp"

#include "http/date.hpp"

namespace keepsake {

namespace {

constexpr std::size_t kUsualBuffers = 128;
constexpr std::size_t kUsualWorkspaces = 128;

}  // namespace

Services::Services(const Clock& clock, SharedCounts& shared, int access_log_fd)
    : clock_(clock),
      shared_(shared),
      buffers_(kUsualBufferSize, kUsualBuffers),
      workspaces_(kUsualWorkspaces),
      access_log_(io_, metrics_, shared.log_writer, access_log_fd) {}

std::unique_ptr<Workspace> Services::take_workspace() {
  std::unique_ptr<Workspace> workspace = workspaces_.take();
  if (!workspace) {
    return std::make_unique<Workspace>(buffers_);
  }
  workspace->in = Buffer{buffers_};
  return workspace;
}

void Services::give_workspace(std::unique_ptr<Workspace> workspace) {
  workspace->in.release();
  if (workspace->out.capacity() > kUsualBufferSize) {  // after an uncommonly large head
    std::string{}.swap(workspace->out);
  }
  workspaces_.give(std::move(workspace));
}

const std::string& Services::date_line() {
  const std::int64_t second = unix_seconds(clock_.wall());
  if (second != date_second_) {
    date_second_ = second;
    date_line_ = "Date: ";
    append_http_date(second, date_line_);
    date_line_ += "\r\n";
  }
  return date_line_;
}

}  // namespace keepsake
