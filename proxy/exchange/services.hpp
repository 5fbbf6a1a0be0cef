#pragma once
// What the steps of an exchange use of the worker that serves it: one thread's metrics, buffers,
// ciphers, log and clock, and what all threads count together. The worker derives from it. Nothing
// in it is touched by another thread except the counters and SharedCounts.

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend_pools.hpp"
#include "base/buffer.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "exchange/exchange.hpp"
#include "exchange/log_access.hpp"
#include "exchange/seldom_lines.hpp"
#include "http2/counts.hpp"
#include "http2/memory.hpp"
#include "io/line_limit.hpp"
#include "io/log_writer.hpp"
#include "routing/client_counts.hpp"
#include "routing/snapshot.hpp"
#include "routing/traffic.hpp"
#include "session/codec.hpp"
#include "session/key_use.hpp"
#include "session/return_cookie.hpp"
#include "store/store_health.hpp"
#include "store/store_names.hpp"

namespace keepsake {

class MemoryStore;
class SessionStore;

// A snapshot as one worker uses it: with the worker's own ciphers and pools.
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  std::unique_ptr<Codec> codec;
  std::unique_ptr<ReturnCookie> return_cookie;  // null where no route has `else`
  std::vector<KeyUse::Cell*> keys;              // the counts of the codec's keys, in their order
  std::vector<std::unique_ptr<Balancer>> backends;  // by index of Config::backends
  std::shared_ptr<SessionStore> store;              // null with store: cookie
  Traffic::Cells cells;                             // of the worker's traffic()

  const Config& config() const { return snapshot->config; }
};

// Lines of the log that requests and connections can cause, by kind.
struct LineLimits {
  std::array<LineLimit, static_cast<std::size_t>(Fault::Count)> fault;
  LineLimit connect;        // a server cannot be reached
  LineLimit spoof;          // a client sent headers that pose as ours
  LineLimit session_write;  // a backend asked for a change that was refused
  LineLimit closed;         // a connection was closed before its first request
  LineLimit accept;         // no descriptors, no memory
  LineLimit given_up;       // an exception
};

// What all workers share; touched when a connection opens or closes, or by a store, never else per
// exchange.
struct SharedCounts {
  unsigned workers = 1;  // set before they start
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> refusing{0};    // connections that are being told to come back later
  std::atomic<std::size_t> handshakes{0};  // TLS handshakes with clients in progress
  ClientCounts per_client;
  std::shared_ptr<MemoryStore> memory;  // set before the workers start, or posted to them
  StoreHealth store_health;
  StoreNames store_names;
  std::atomic<bool> leaving{false};  // the process ends soon: /healthz says so
  BackendBook backends;
  LogWriter log_writer;  // of the access log
  LineLimits lines;
  SeldomLines seldom;
};

// Memory that is never written costs nothing: an ordinary exchange touches the first page.
inline constexpr std::size_t kUsualBufferSize = 128 * 1024;

class Services {
 public:
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  asio::io_context& io() { return io_; }
  const Clock& clock() const { return clock_; }
  StreamList& streams() { return streams_; }
  Metrics& metrics() { return metrics_; }
  Traffic& traffic() { return traffic_; }
  Random& random() { return random_; }
  BufferPool& buffers() { return buffers_; }
  Http2Memory& http2_memory() { return http2_memory_; }
  Http2Counts& http2_counts() { return http2_counts_; }
  const Http2Counts& http2_counts() const { return http2_counts_; }
  AccessLog& access_log() { return access_log_; }
  const KeyUse& key_use() const { return key_use_; }
  const std::shared_ptr<const View>& view() const { return view_; }
  // The prepared view if there is one, else the one in use: another worker may use it already.
  const View& newest_view() const { return next_ ? *next_ : *view_; }
  bool draining() const { return draining_; }
  SharedCounts& shared() { return shared_; }
  // Exchanges with a session in a store; see hold_session.
  Exchange*& held() { return held_; }
  // "Date: ...\r\n" of this second.
  const std::string& date_line();

  // A workspace for a connection that has something to do, and back.
  std::unique_ptr<Workspace> take_workspace();
  void give_workspace(std::unique_ptr<Workspace> workspace);

 protected:
  Services(const Clock& clock, SharedCounts& shared, int access_log_fd);
  ~Services() = default;

  const Clock& clock_;
  SharedCounts& shared_;
  Metrics metrics_;
  Traffic traffic_;
  Random random_;
  StreamList streams_;
  BufferPool buffers_;
  Spares<std::unique_ptr<Workspace>> workspaces_;
  Http2Memory http2_memory_;
  Http2Counts http2_counts_;
  asio::io_context io_{1};
  AccessLog access_log_;
  KeyUse key_use_;
  std::shared_ptr<const View> view_;
  std::shared_ptr<const View> next_;  // prepared, not yet in use
  Exchange* held_ = nullptr;
  bool draining_ = false;
  std::size_t freed_ = 0;  // large pieces of memory, since it was last given back to the system

 private:
  std::int64_t date_second_ = -1;
  std::string date_line_;
};

}  // namespace keepsake
