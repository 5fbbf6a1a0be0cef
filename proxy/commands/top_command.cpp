#include "commands/top_command.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "base/clock.hpp"
#include "commands/http_get.hpp"
#include "commands/top_screen.hpp"
#include "config/units.hpp"
#include "process/exit_code.hpp"

namespace keepsake {
namespace {

constexpr Millis kScrapePatience{5000};

volatile std::sig_atomic_t interrupted = 0;

// The other screen, without a cursor and with keys as they are pressed; undone at the end.
class Terminal {
 public:
  Terminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays a signal
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    write("\x1b[?1049h\x1b[?25l");
  }
  ~Terminal() {
    write("\x1b[?25h\x1b[?1049l");
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void draw(const std::vector<std::string>& lines) const {
    std::string out = "\x1b[H";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out.append(i == 0 ? "" : "\r\n").append(i == 0 ? "\x1b[7m" : "").append(lines[i]);
      out.append(i == 0 ? "\x1b[0m" : "").append("\x1b[K");
    }
    write(out + "\x1b[J");
  }

  // False: somebody wants to leave.
  bool wait(Millis time) const {
    pollfd key{STDIN_FILENO, POLLIN, 0};
    if (interrupted != 0 || ::poll(&key, 1, static_cast<int>(time.count())) < 0) {
      return false;
    }
    char pressed = 0;
    const bool any = (key.revents & POLLIN) != 0 && ::read(STDIN_FILENO, &pressed, 1) == 1;
    return interrupted == 0 && !(any && (pressed == 'q' || pressed == 'Q')) &&
           (key.revents & (POLLHUP | POLLERR)) == 0;
  }

 private:
  static void write(std::string_view text) { std::cout << text << std::flush; }
  termios before_{};
};

struct Look {
  Scrape scrape;
  SteadyTime at{};
  std::string trouble;
};

Look look(const HttpQuestion& question, const Clock& clock) {
  Look look;
  HttpOutcome outcome = http_get(question, kScrapePatience, true);
  look.at = clock.steady();
  if (outcome.failure.empty() && outcome.status != 200) {
    outcome.failure = fmt::format("answers {} {}", outcome.status, outcome.reason);
  }
  if (outcome.failure.empty()) {
    look.scrape = Scrape::parse(outcome.body);
    if (look.scrape.samples("keepsake_build_info").empty()) {
      outcome.failure = "shows no metrics of a keepsake";
    }
  }
  look.trouble = std::move(outcome.failure);
  return look;
}

void fit_window(TopView& view) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    view.width = size.ws_col;
    view.height = size.ws_row;
  }
}

std::vector<std::string> frame(const Look& before, const Look& now, const Clock& clock,
                               const TopView& view) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const auto wall = static_cast<double>(unix_seconds(clock.wall()));
  return top_screen(before.scrape, now.scrape, seconds, wall, view);
}

}  // namespace

int top_command(const TopOptions& options) {
  const auto fail = [&](int code, const std::string& what) {
    std::cerr << "keepsake: " << options.url << ' ' << what << '\n';
    return code;
  };
  std::string error;
  auto question = parse_http_url(options.url, "top", error);
  if (!question) {
    return fail(kWrongInput, error);
  }
  if (question->target == "/") {
    question->target = "/metrics";
  }
  question->unix_socket = options.unix_socket;
  const auto interval = parse_duration(options.interval);
  if (!interval || *interval < Millis{100} || *interval > Millis{60'000}) {
    std::cerr << "keepsake: --interval " << options.interval << " is not from 100ms to 60s\n";
    return kWrongInput;
  }
  const SystemClock clock;
  Look before = look(*question, clock);
  if (!before.trouble.empty()) {
    return fail(kFailed, before.trouble);
  }
  TopView view;
  view.url = options.url;
  if (options.once || ::isatty(STDOUT_FILENO) != 1 || ::isatty(STDIN_FILENO) != 1) {
    ::poll(nullptr, 0, static_cast<int>(interval->count()));
    const Look now = look(*question, clock);
    if (!now.trouble.empty()) {
      return fail(kFailed, now.trouble);
    }
    fit_window(view);
    for (const std::string& line : frame(before, now, clock, view)) {
      std::cout << line << '\n';
    }
    std::cout.flush();
    return std::cout.good() ? kFine : kFailed;
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  const Terminal terminal;
  Look now = before;
  while (true) {
    fit_window(view);
    terminal.draw(frame(before, now, clock, view));
    if (!terminal.wait(*interval)) {
      return kFine;
    }
    Look next = look(*question, clock);
    view.trouble = next.trouble;
    if (next.trouble.empty()) {
      before = std::exchange(now, std::move(next));
    }
  }
}

}  // namespace keepsake
