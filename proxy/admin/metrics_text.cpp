#include "admin/metrics_text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "admin/metrics_http2.hpp"
#include "admin/metrics_traffic.hpp"
#include "admin/process.hpp"
#include "base/metrics.hpp"
#include "io/log.hpp"
#include "store/redis_protocol.hpp"

namespace keepsake {
namespace {

// Lines that follow each other and share a name are one metric with a label.
struct Line {
  Counter counter;
  std::string_view name;
  std::string_view label;  // "" or one pair, as in class="2xx"
  std::string_view help;
};

constexpr std::string_view kRejected = "keepsake_cookies_rejected_total";
constexpr std::string_view kRejectedHelp =
    "Session cookies that were not believed, by reason. The visitor is anonymous then.";

constexpr Line kLines[] = {
    {Counter::ConnectionsAccepted, "keepsake_connections_accepted_total", "",
     "Connections from clients."},
    {Counter::ConnectionsRefused, "keepsake_connections_refused_total", "",
     "Connections turned away at a limit."},
    {Counter::ConnectionsOpen, "keepsake_connections_open", "",
     "Connections from clients that are open now."},
    {Counter::RequestBodyBytes, "keepsake_request_body_bytes_total", "",
     "Bytes of request bodies that clients sent."},
    {Counter::ResponseBodyBytes, "keepsake_response_body_bytes_total", "",
     "Bytes of response bodies, and of tunnels, that clients were sent."},
    {Counter::SessionsOpened, "keepsake_sessions_opened_total", "",
     "Requests that came with a valid session."},
    {Counter::SessionsCreated, "keepsake_sessions_created_total", "", "New sessions."},
    {Counter::SessionsTouched, "keepsake_sessions_touched_total", "",
     "Sessions stamped anew because they were used."},
    {Counter::SessionsResealed, "keepsake_sessions_resealed_total", "",
     "Sessions that came under an older key and were sealed with the first."},
    {Counter::SessionsChanged, "keepsake_sessions_changed_total", "",
     "Sessions whose values changed."},
    {Counter::SessionsCleared, "keepsake_sessions_cleared_total", "", "Sessions that were ended."},
    {Counter::RejectedMalformed, kRejected, R"(reason="malformed")", kRejectedHelp},
    {Counter::RejectedUnknownKey, kRejected, R"(reason="unknown_key")", kRejectedHelp},
    {Counter::RejectedForged, kRejected, R"(reason="forged")", kRejectedHelp},
    {Counter::RejectedFromFuture, kRejected, R"(reason="from_future")", kRejectedHelp},
    {Counter::RejectedIdle, kRejected, R"(reason="idle_expired")", kRejectedHelp},
    {Counter::RejectedAbsolute, kRejected, R"(reason="absolute_expired")", kRejectedHelp},
    {Counter::RejectedNotBefore, kRejected, R"(reason="before_not_before")", kRejectedHelp},
    {Counter::RivalCookies, "keepsake_rival_sessions_total", "",
     "Requests with the cookies of several live sessions, none of which was touched."},
    {Counter::SpoofedHeaders, "keepsake_spoofed_headers_removed_total", "",
     "Headers taken out of requests because they posed as the proxy's own."},
    {Counter::DroppedSetCookies, "keepsake_backend_set_cookies_dropped_total", "",
     "Set-Cookie lines of backends that named the session cookie."},
    {Counter::RefusedWrites, "keepsake_session_writes_refused_total", "",
     "Changes that a backend wanted and the limits of a session did not allow."},
    {Counter::CrossSiteRefused, "keepsake_cross_site_refused_total", "",
     "Requests refused because another site caused them."},
    {Counter::BackendConnects, "keepsake_backend_connects_total", "",
     "Connections made to backends."},
    {Counter::BackendConnectFailures, "keepsake_backend_connect_failures_total", "",
     "Connections to backends that could not be made."},
    {Counter::BackendReused, "keepsake_backend_connections_reused_total", "",
     "Requests sent on a kept connection to a backend."},
    {Counter::BackendRetries, "keepsake_backend_retries_total", "",
     "Requests sent to a backend once more."},
    {Counter::BackendStale, "keepsake_backend_connections_stale_total", "",
     "Kept connections that the backend had closed."},
    {Counter::StoreReads, "keepsake_store_reads_total", "", "Sessions asked of the store."},
    {Counter::StoreMisses, "keepsake_store_misses_total", "",
     "Sessions that the store did not have."},
    {Counter::StoreErrors, "keepsake_store_errors_total", "", "Failures of the store."},
    {Counter::StoreWrites, "keepsake_store_writes_total", "", "Sessions written to the store."},
    {Counter::LogLinesDropped, "keepsake_log_lines_dropped_total", "",
     "Lines of the log and of the access log that were dropped because they were not read in "
     "time."},
    {Counter::Upgrades, "keepsake_upgrades_total", "",
     "Connections that became tunnels, WebSockets for example."},
    {Counter::TunnelsOpen, "keepsake_tunnels_open", "", "Tunnels that are open now."},
    {Counter::RateLimited, "keepsake_rate_limited_total", "",
     "Requests answered 429 because of a route's rate_limits."},
    {Counter::AddressDenied, "keepsake_addresses_denied_total", "",
     "Requests answered 403 because of a route's allow and deny lists."},
    {Counter::TlsHandshakes, "keepsake_tls_handshakes_total", "",
     "TLS handshakes with clients that succeeded."},
    {Counter::TlsResumptions, "keepsake_tls_resumptions_total", "",
     "Those of them that took up an earlier session."},
    {Counter::TlsHandshakeFailures, "keepsake_tls_handshake_failures_total", "",
     "TLS handshakes with clients that failed or took too long."},
    {Counter::TlsHandshakesRefused, "keepsake_tls_handshakes_refused_total", "",
     "Connections closed because limits.handshakes were in progress."},
    {Counter::ProxyHeadersRefused, "keepsake_proxy_headers_refused_total", "",
     "Connections closed because their PROXY header was missing, malformed or not to be believed."},
    {Counter::BackendTlsHandshakes, "keepsake_backend_tls_handshakes_total", "",
     "TLS handshakes with backends that succeeded."},
    {Counter::BackendTlsResumptions, "keepsake_backend_tls_resumptions_total", "",
     "Those of them that took up an earlier session."},
    {Counter::BackendTlsFailures, "keepsake_backend_tls_handshake_failures_total", "",
     "TLS handshakes with backends that failed: also certificates that are not to be believed."},
    {Counter::BackendTlsUnverified, "keepsake_backend_tls_unverified_total", "",
     "TLS handshakes with backends that were not verified, because of verify: false."},
};

constexpr bool each_counter_once() {
  std::array<int, kCounters> seen{};
  for (const Line& line : kLines) {
    ++seen[static_cast<std::size_t>(line.counter)];
  }
  return std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; });
}
static_assert(each_counter_once(), "a new Counter needs its line in kLines");

void write_counters(const Server& server, MetricsWriter& out) {
  std::string_view last;
  for (const Line& line : kLines) {
    if (line.name != last) {
      out.begin(line.name, line.help);
      last = line.name;
    }
    // Dropped lines are counted where they are dropped: by workers, and by the writers of both
    // logs.
    const bool lines = line.counter == Counter::LogLinesDropped;
    const std::uint64_t elsewhere = lines ? server.log_lines_lost() + log_lines_dropped() : 0;
    out.sample(line.label, server.count(line.counter) + elsewhere);
  }
}

// A key that nobody's cookie needs any more is one that does not count on.
void write_keys(const Server& server, MetricsWriter& out) {
  const std::shared_ptr<const Snapshot> snapshot = server.snapshot();
  out.begin("keepsake_sessions_opened_by_key_total",
            "Valid session cookies, by the key that had sealed them; the secret at place 0 seals. "
            "One that has not opened any for idle_timeout may go.");
  for (std::size_t i = 0; i < snapshot->keys->size(); ++i) {
    out.sample(metric_label("key_id", snapshot->keys->id_hex(i)) + "," +
                   metric_label("place", std::to_string(i)),
               server.opened_by(snapshot->keys->at(i).id));
  }
}

void write_control(const Server& server, const Status& status, MetricsWriter& out) {
  const auto flag = [](bool on) { return std::uint64_t{on}; };
  out.begin("keepsake_build_info", "The version that runs; always 1.");
  out.sample("version=\"" KEEPSAKE_VERSION "\"", std::uint64_t{1});
  out.single("keepsake_workers", "Threads that serve clients.", std::uint64_t{server.workers()});
  out.single("keepsake_draining", "1 while the process finishes its last requests.",
             flag(status.draining));
  if (server.snapshot()->config.session.store == SessionStoreKind::Redis) {
    out.single("keepsake_store_degraded", "1 while a worker cannot use the store.",
               flag(server.store_degraded()));
    out.begin("keepsake_store_trouble_total", "What went wrong with the store, by cause.");
    for (std::size_t i = 0; i < kStoreTroubles; ++i) {
      const auto trouble = static_cast<StoreTrouble>(i);
      out.sample("cause=\"" + std::string{word_of(trouble)} + "\"",
                 server.store_health().count(trouble));
    }
  }
  out.begin("keepsake_config_reloads_total", "Reloads of the configuration, by result.");
  out.sample(R"(result="done")", status.reloads_done);
  out.sample(R"(result="refused")", status.reloads_refused);
  out.single("keepsake_config_last_reload_successful", "0 if the last reload was refused.",
             flag(status.refusal.empty()));
  out.single("keepsake_config_loaded_timestamp_seconds", "When the configuration in use was read.",
             static_cast<std::uint64_t>(status.loaded));
}

void write_process(const Status& status, MetricsWriter& out) {
  const ProcessFigures process = process_figures();
  out.single("process_start_time_seconds", "When the process began.",
             static_cast<std::uint64_t>(status.started));
  out.single("process_cpu_seconds_total", "Processor time used.", process.cpu_seconds);
  out.single("process_resident_memory_bytes", "Memory in use.", process.resident_bytes);
  out.single("process_open_fds", "Open file descriptors.", process.open_descriptors);
  out.single("process_max_fds", "How many descriptors may be open.", process.max_descriptors);
}

}  // namespace

std::string metrics_text(const Server& server, const Status& status, MetricsFormat format) {
  MetricsWriter out{format};
  write_traffic(server, out);
  write_servers(server, out);
  write_counters(server, out);
  write_http2(server, out);
  write_keys(server, out);
  write_control(server, status, out);
  write_process(status, out);
  return out.take();
}

}  // namespace keepsake
