#include "process/upgrade.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/write.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

extern char** environ;

namespace keepsake {
namespace {

constexpr const char* kSockets = "KEEPSAKE_SOCKETS";  // "7,8,9"
constexpr const char* kForeign = "KEEPSAKE_FOREIGN";  // those that a service manager opened
constexpr const char* kChannel = "KEEPSAKE_CHANNEL";  // "10"
constexpr const char* kParent = "KEEPSAKE_PARENT";    // the process that these are from
constexpr char kReady = '!';                          // a reason never begins with it
constexpr char kGo = '>';
// Certificates, keys and names are read in it; a process that takes longer does not come.
constexpr std::chrono::seconds kStartPatience{60};
constexpr int kGoPatience = 5000;  // milliseconds

bool is_ours(std::string_view variable) {
  for (const std::string_view name : {kSockets, kForeign, kChannel, kParent, "WATCHDOG_PID"}) {
    if (variable.starts_with(name) && variable.substr(name.size()).starts_with('=')) {
      return true;
    }
  }
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) {
    out.push_back(string.data());
  }
  out.push_back(nullptr);
  return out;
}

std::vector<int> numbers(const char* text) {
  std::vector<int> out;
  const char* end = text + std::strlen(text);
  int value = 0;
  while (text < end) {
    const auto [stop, code] = std::from_chars(text, end, value);
    if (code != std::errc{} || value < 3 || (stop != end && *stop != ',')) {
      return {};
    }
    out.push_back(value);
    text = stop == end ? end : stop + 1;
  }
  return out;
}

std::string one_line(std::string text) {
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
    text.replace(at, 1, "; ");
  }
  return text;
}

const char* variable_or_empty(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

}  // namespace

StartedAs StartedAs::read() {
  StartedAs started;
  // As the kernel was told: /proc/self/exe would follow a link to the version that runs now.
  started.program = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  for (std::string argument; std::getline(file, argument, '\0');) {
    started.arguments.push_back(argument);
  }
  return started;
}

Upgrade::Upgrade(asio::io_context& io, StartedAs started, Outcome outcome)
    : io_(io),
      started_(std::move(started)),
      outcome_(std::move(outcome)),
      channel_(io),
      timer_(io) {}

Upgrade::~Upgrade() {
  cancel();
}

bool Upgrade::begin(const std::vector<SharedSocket>& sockets, std::string& error) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    error = std::strerror(errno);
    return false;
  }
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!is_ours(*variable)) {
      variables.emplace_back(*variable);
    }
  }
  std::vector<int> ours;
  std::vector<int> foreign;
  for (const SharedSocket& socket : sockets) {
    (socket->ours() ? ours : foreign).push_back(socket->fd());
  }
  variables.push_back(fmt::format("{}={}", kSockets, fmt::join(ours, ",")));
  variables.push_back(fmt::format("{}={}", kForeign, fmt::join(foreign, ",")));
  variables.push_back(fmt::format("{}={}", kChannel, ends[1]));
  variables.push_back(fmt::format("{}={}", kParent, ::getpid()));
  std::vector<std::string> arguments = started_.arguments;

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // A duplicate onto itself only takes close-on-exec away, in the child alone.
  for (const SharedSocket& socket : sockets) {
    ::posix_spawn_file_actions_adddup2(&actions, socket->fd(), socket->fd());
  }
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], ends[1]);
  const int code = ::posix_spawn(&child_, started_.program.c_str(), &actions, nullptr,
                                 pointers(arguments).data(), pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (code != 0) {
    child_ = 0;
    ::close(ends[0]);
    error = fmt::format("{}: {}", started_.program, std::strerror(code));
    return false;
  }
  channel_.assign(asio::local::stream_protocol{}, ends[0]);
  said_.clear();
  timer_.expires_after(kStartPatience);
  timer_.async_wait([this](const error_code& late) {
    if (!late) {
      said_ = fmt::format("it was not ready within {} s", kStartPatience.count());
      error_code ignored;
      channel_.cancel(ignored);
    }
  });
  listen();
  return true;
}

void Upgrade::listen() {
  channel_.async_read_some(asio::buffer(buffer_), [this](const error_code& end, std::size_t size) {
    if (child_ == 0) {
      return;
    }
    if (!end && said_.size() < 64 * 1024) {
      said_.append(buffer_, size);
      if (said_.front() != kReady) {
        listen();
        return;
      }
    }
    judge();
  });
}

void Upgrade::judge() {
  timer_.cancel();
  if (said_.empty() || said_.front() != kReady) {
    const std::string ended = end_child();
    outcome_.on_failed(said_.empty() ? ended : one_line(said_));
    return;
  }
  const pid_t pid = std::exchange(child_, 0);
  outcome_.on_ready(pid);
  error_code ignored;
  asio::write(channel_, asio::buffer(&kGo, 1), ignored);
  channel_.close(ignored);
}

std::string Upgrade::end_child() {
  // Whoever is ending already keeps its exit code.
  ::kill(child_, SIGKILL);
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = 0;
  error_code ignored;
  channel_.close(ignored);
  return WIFEXITED(status) ? fmt::format("it ended with exit code {}", WEXITSTATUS(status))
                           : fmt::format("it was ended by signal {}", WTERMSIG(status));
}

void Upgrade::cancel() {
  if (child_ > 0) {
    timer_.cancel();
    end_child();
  }
}

HandOver HandOver::from_environment() {
  HandOver taken;
  const std::vector<int> parent = numbers(variable_or_empty(kParent));
  const std::vector<int> channel = numbers(variable_or_empty(kChannel));
  // Both variables survive in an environment that somebody copies; the parent does not.
  if (parent.size() == 1 && parent.front() == ::getppid() && channel.size() == 1) {
    taken.sockets_ = numbers(variable_or_empty(kSockets));
    taken.foreign_ = numbers(variable_or_empty(kForeign));
    taken.channel_ = channel.front();
    ::fcntl(taken.channel_, F_SETFD, FD_CLOEXEC);
  }
  for (const char* name : {kSockets, kForeign, kChannel, kParent}) {
    ::unsetenv(name);
  }
  return taken;
}

HandOver::HandOver(HandOver&& other) noexcept
    : sockets_(std::move(other.sockets_)),
      foreign_(std::move(other.foreign_)),
      channel_(std::exchange(other.channel_, -1)) {}

HandOver::~HandOver() {
  if (channel_ >= 0) {
    ::close(channel_);
  }
}

void HandOver::ready() {
  if (channel_ < 0) {
    return;
  }
  say({&kReady, 1});
  pollfd go{channel_, POLLIN, 0};
  ::poll(&go, 1, kGoPatience);
  ::close(std::exchange(channel_, -1));
}

void HandOver::failed(std::string_view reason) {
  if (channel_ >= 0) {
    say(reason);
    ::close(std::exchange(channel_, -1));
  }
}

void HandOver::say(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t n = ::send(channel_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace keepsake
