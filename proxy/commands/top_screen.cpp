#include "commands/top_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "commands/cookie_text.hpp"

namespace keepsake {
namespace {

// One line, cut to the screen, without a byte that a terminal might obey.
std::string fit(std::string_view text, std::size_t width) {
  std::string line;
  for (const char c : text.substr(0, width)) {
    const auto byte = static_cast<unsigned char>(c);
    line.push_back(byte >= 0x20 && byte < 0x7f ? c : '?');
  }
  return line;
}

std::string rate_text(double per_second) {
  return per_second >= 100 || per_second == 0 ? fmt::format("{:.0f}", per_second)
                                              : fmt::format("{:.1f}", per_second);
}

std::string time_text(double seconds) {
  if (seconds < 0) {
    return "-";
  }
  return seconds < 0.001  ? fmt::format("{:.0f} us", seconds * 1e6)
         : seconds < 0.01 ? fmt::format("{:.1f} ms", seconds * 1e3)
         : seconds < 1    ? fmt::format("{:.0f} ms", seconds * 1e3)
                          : fmt::format("{:.1f} s", seconds);
}

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, units[unit]);
}

class Screen {
 public:
  Screen(const Scrape& before, const Scrape& now, double seconds, const TopView& view)
      : before_(before), now_(now), seconds_(std::max(seconds, 0.001)), view_(view) {}

  void add(std::string_view text) {
    if (lines_.size() < view_.height) {
      lines_.push_back(fit(text, view_.width));
    }
  }
  double per_second(const std::string& name, Scrape::Labels labels = {}) const {
    return std::max(0.0, now_.sum(name, labels) - before_.sum(name, labels)) / seconds_;
  }
  std::string rate(const std::string& name, Scrape::Labels labels = {}) const {
    return rate_text(per_second(name, labels));
  }
  std::string took(const std::string& name, double q) const {
    return time_text(quantile(before_, now_, name, q));
  }
  const Scrape& now() const { return now_; }
  std::size_t room() const { return view_.height - std::min(view_.height, lines_.size()); }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  const Scrape& before_;
  const Scrape& now_;
  double seconds_;
  const TopView& view_;
  std::vector<std::string> lines_;
};

void add_title(Screen& screen, double wall_now, const TopView& view) {
  const Scrape& now = screen.now();
  const auto& build = now.samples("keepsake_build_info");
  const std::string version{build.empty() ? "" : build.front().label("version")};
  std::string state = "up " + format_span(static_cast<std::int64_t>(
                                  std::max(0.0, wall_now - now.sum("process_start_time_seconds"))));
  if (now.sum("keepsake_draining") != 0) {
    state = "DRAINING";
  } else if (now.sum("keepsake_store_degraded") != 0) {
    state = "STORE DEGRADED";
  }
  if (!view.trouble.empty()) {
    state = view.trouble;
  }
  screen.add(fmt::format("keepsake {}  {}  {}", version, view.url, state));
}

void add_requests(Screen& screen) {
  const std::string requests = "keepsake_requests_total";
  const double all = screen.per_second(requests);
  std::string line = fmt::format("requests   {:>8}/s ", rate_text(all));
  for (const char* status : {"2xx", "3xx", "4xx", "5xx"}) {
    const double share =
        all == 0 ? 0 : 100 * screen.per_second(requests, {{"status", status}}) / all;
    line += fmt::format("  {} {:.1f} %", status, share);
  }
  screen.add(line);
  screen.add(fmt::format("latency    p50 {}  p90 {}  p99 {}   backend p50 {}  p99 {}",
                         screen.took("keepsake_request_duration_seconds", 0.5),
                         screen.took("keepsake_request_duration_seconds", 0.9),
                         screen.took("keepsake_request_duration_seconds", 0.99),
                         screen.took("keepsake_backend_response_seconds", 0.5),
                         screen.took("keepsake_backend_response_seconds", 0.99)));
  screen.add(fmt::format(
      "traffic    in {}/s  out {}/s   connections {:.0f}  tunnels {:.0f}  new {}/s",
      bytes_text(screen.per_second("keepsake_request_body_bytes_total")),
      bytes_text(screen.per_second("keepsake_response_body_bytes_total")),
      screen.now().sum("keepsake_connections_open"), screen.now().sum("keepsake_tunnels_open"),
      screen.rate("keepsake_connections_accepted_total")));
}

// Only where there is any: a line that is always 0 is in the way.
void add_http2(Screen& screen) {
  if (screen.now().sum("keepsake_http2_connections_total") == 0) {
    return;
  }
  screen.add(fmt::format(
      "http/2     connections {:.0f}  streams {:.0f}  new {}/s  resets {}/s  goaways {}/s  floods "
      "{}/s",
      screen.now().sum("keepsake_http2_connections_open"),
      screen.now().sum("keepsake_http2_streams_open"), screen.rate("keepsake_http2_streams_total"),
      screen.rate("keepsake_http2_resets_total"), screen.rate("keepsake_http2_goaways_total"),
      screen.rate("keepsake_http2_floods_total")));
}

// The reasons of a counter that have occurred since the last look.
std::string reasons(const Screen& screen, const std::string& name, const std::string& label) {
  std::map<std::string, double> rates;
  for (const ScrapeSample& sample : screen.now().samples(name)) {
    const std::string reason{sample.label(label)};
    rates[reason] = screen.per_second(name, {{label, reason}});
  }
  std::string text;
  for (const auto& [reason, rate] : rates) {
    text += rate > 0 ? fmt::format("  {} {}", reason, rate_text(rate)) : "";
  }
  return text;
}

void add_sessions(Screen& screen) {
  screen.add(fmt::format("sessions   opened {}/s  new {}/s  changed {}/s  touched {}/s  ended {}/s",
                         screen.rate("keepsake_sessions_opened_total"),
                         screen.rate("keepsake_sessions_created_total"),
                         screen.rate("keepsake_sessions_changed_total"),
                         screen.rate("keepsake_sessions_touched_total"),
                         screen.rate("keepsake_sessions_cleared_total")));
  const std::string rejected = "keepsake_cookies_rejected_total";
  screen.add(fmt::format("rejected   {}/s{}   spoofed headers {}/s", screen.rate(rejected),
                         reasons(screen, rejected, "reason"),
                         screen.rate("keepsake_spoofed_headers_removed_total")));
}

// Only where a store has been asked for anything.
void add_store(Screen& screen) {
  const Scrape& now = screen.now();
  if (now.sum("keepsake_store_reads_total") + now.sum("keepsake_store_writes_total") +
          now.sum("keepsake_store_errors_total") ==
      0) {
    return;
  }
  screen.add(fmt::format(
      "store      reads {}/s  misses {}/s  writes {}/s  errors {}/s{}",
      screen.rate("keepsake_store_reads_total"), screen.rate("keepsake_store_misses_total"),
      screen.rate("keepsake_store_writes_total"), screen.rate("keepsake_store_errors_total"),
      reasons(screen, "keepsake_store_trouble_total", "cause")));
}

// Only where a route has turned somebody away.
void add_require(Screen& screen) {
  const std::string denied = "keepsake_require_denied_total";
  if (screen.now().sum(denied) != 0) {
    screen.add(fmt::format("require    denied {}/s{}", screen.rate(denied),
                           reasons(screen, denied, "reason")));
  }
}

void add_process(Screen& screen) {
  const Scrape& now = screen.now();
  screen.add(fmt::format(
      "process    cpu {:.0f} %  memory {}  descriptors {:.0f} of {:.0f}  workers {:.0f}",
      100 * screen.per_second("process_cpu_seconds_total"),
      bytes_text(now.sum("process_resident_memory_bytes")), now.sum("process_open_fds"),
      now.sum("process_max_fds"), now.sum("keepsake_workers")));
}

std::string state_of(const Screen& screen, Scrape::Labels labels) {
  if (screen.now().sum("keepsake_server_healthy", labels) == 0) {
    return "UNHEALTHY";
  }
  return screen.now().sum("keepsake_server_ejected", labels) != 0 ? "EJECTED" : "up";
}

void add_servers(Screen& screen) {
  const auto& servers = screen.now().samples("keepsake_server_in_flight");
  screen.add("");
  screen.add(fmt::format("{:<37} {:>7} {:>7} {:>6} {:>7}  {}", "BACKEND SERVER", "REQ/S", "FLIGHT",
                         "IDLE", "FAILS/S", "STATE"));
  // The routes want room too.
  const std::size_t most =
      std::max<std::size_t>(1, (screen.room() - std::min<std::size_t>(screen.room(), 4)) * 2 / 3);
  for (std::size_t i = 0; i < servers.size() && i < most; ++i) {
    const std::string backend{servers[i].label("backend")};
    const std::string server{servers[i].label("server")};
    const Scrape::Labels labels{{"backend", backend}, {"server", server}};
    screen.add(fmt::format(
        "{:<37} {:>7} {:>7.0f} {:>6.0f} {:>7}  {}", fit(backend + " " + server, 37),
        screen.rate("keepsake_server_requests_total", labels), servers[i].value,
        screen.now().sum("keepsake_server_idle_connections", labels),
        screen.rate("keepsake_server_connect_failures_total", labels), state_of(screen, labels)));
  }
  if (servers.size() > most) {
    screen.add(fmt::format("  and {} more", servers.size() - most));
  }
}

void add_routes(Screen& screen) {
  std::map<std::string, double> rates;
  for (const ScrapeSample& sample : screen.now().samples("keepsake_requests_total")) {
    rates.emplace(sample.label("route"), 0);
  }
  std::vector<std::pair<double, std::string>> routes;
  for (const auto& [route, ignored] : rates) {
    routes.emplace_back(-screen.per_second("keepsake_requests_total", {{"route", route}}), route);
  }
  std::sort(routes.begin(), routes.end());  // the busiest first
  screen.add("");
  screen.add(fmt::format("{:<40} {:>8} {:>8} {:>8}", "ROUTE", "REQ/S", "4XX/S", "5XX/S"));
  for (const auto& [rate, route] : routes) {
    screen.add(
        fmt::format("{:<40} {:>8} {:>8} {:>8}", fit(route, 40), rate_text(-rate),
                    screen.rate("keepsake_requests_total", {{"route", route}, {"status", "4xx"}}),
                    screen.rate("keepsake_requests_total", {{"route", route}, {"status", "5xx"}})));
  }
}

}  // namespace

std::vector<std::string> top_screen(const Scrape& before, const Scrape& now, double seconds,
                                    double wall_now, const TopView& view) {
  Screen screen{before, now, seconds, view};
  add_title(screen, wall_now, view);
  add_requests(screen);
  add_http2(screen);
  add_sessions(screen);
  add_store(screen);
  add_require(screen);
  add_process(screen);
  add_servers(screen);
  add_routes(screen);
  return screen.take();
}

}  // namespace keepsake
