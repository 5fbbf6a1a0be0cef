#include "process/config_watch.hpp"

namespace keepsake {

namespace {
constexpr std::chrono::milliseconds kBetweenLooks{2000};
// A program that writes several files, or one in pieces, has this long between two writes.
constexpr std::chrono::milliseconds kRest{200};
constexpr int kMostRestless = 25;
}  // namespace

ConfigWatch::ConfigWatch(asio::io_context& io, Changed changed)
    : changed_(std::move(changed)), timer_(io) {}

void ConfigWatch::follow(FileStates files) {
  known_ = std::move(files);
  seen_.clear();
  restless_ = 0;
  if (known_.empty()) {
    timer_.cancel();
  } else {
    look_after(kBetweenLooks);
  }
}

void ConfigWatch::look_after(std::chrono::milliseconds pause) {
  timer_.expires_after(pause);
  timer_.async_wait([this](const error_code& error) {
    if (!error) {
      look();
    }
  });
}

void ConfigWatch::look() {
  FileStates present;
  std::vector<std::string> changed;
  for (const auto& [path, state] : known_) {
    if (present.emplace(path, file_state(path)).first->second != state) {
      changed.push_back(path);
    }
  }
  if (changed.empty()) {
    seen_.clear();
    restless_ = 0;
    look_after(kBetweenLooks);
  } else if (present != seen_ && ++restless_ < kMostRestless) {
    seen_ = std::move(present);
    look_after(kRest);
  } else {
    restless_ = 0;
    look_after(kBetweenLooks);
    changed_(changed);
  }
}

}  // namespace keepsake
