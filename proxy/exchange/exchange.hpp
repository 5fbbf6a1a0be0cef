#pragma once
// The state of one request and its response, which its steps share. Each step is a file of its own,
// named after it; run_exchange has their order. Lives in the frame of run_exchange.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/server_pool.hpp"
#include "base/buffer.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "exchange/client.hpp"
#include "exchange/peer.hpp"
#include "exchange/visited_site.hpp"
#include "http/chunked.hpp"
#include "http/framing.hpp"
#include "http/head.hpp"
#include "http/request_id.hpp"
#include "http/target.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"
#include "routing/route_table.hpp"
#include "session/session.hpp"

namespace keepsake {

class Balancer;
struct RouteRules;
struct SessionHold;
class Services;
struct Peer;
struct View;

// Buffers and scratch of a connection that has work to do; reused from exchange to exchange, so
// that the steady state allocates nothing. Kept by the worker while no connection needs it.
struct Workspace {
  explicit Workspace(BufferPool& buffers) : in(buffers) { out.reserve(4096); }

  Buffer in;                  // from the client
  std::string out;            // the head (and small body) about to be written, to either side
  std::string session_lines;  // what commit_session adds to the response head
  std::string body;           // of a response that Keepsake makes itself
  std::string scratch;
  std::string path;          // normalised, when it differs from the request's bytes
  std::string host;          // lower case, without port
  std::string host_source;   // the authority that `host` was folded from
  std::string visited_host;  // the same of a trusted X-Forwarded-Host
  std::string request_id;
  std::string client;       // its address as text, when it is not the peer's
  std::string target;       // for the backend, when the route rewrites it
  std::string moved_lines;  // response lines that rewrite.location changed
  std::string return_page;  // what the return cookie of the request keeps; empty: nothing
  RequestHead request;
  ResponseHead response;
  Session session;
};

// What is known about the visitor's session in this exchange; attach_session fills it, the action
// or the backend changes it, commit_session writes it back.
struct SessionState {
  // More are not tried: a visitor has one or two, and each costs a decryption.
  static constexpr std::size_t kMostCandidates = 4;

  bool opened = false;  // a cookie opened: Workspace::session is the visitor's
  bool loaded = false;  // and a store has said in this exchange that the session is alive
  bool reseal = false;  // by an older key, or under a former name
  bool rivals = false;  // cookies of several live sessions came: none of them is touched
  bool over = false;    // one came whose session has ended, and none whose session is alive
  bool ours = false;    // one came that a key of ours opened, whatever has become of its session
  bool clears_former = false;     // the former scopes go with the next Set-Cookie
  bool changed = false;           // values differ from what the cookie holds
  bool cleared = false;           // the visitor's session ends with this exchange
  bool former = false;            // an id that the session had until its renewal: never touched
  bool keep_cookie = false;       // hands off: a refused action, or a store that could not be asked
  bool store_failed = false;      // the visitor may have a session that could not be asked for
  std::int64_t cookie_stamp = 0;  // when the cookie was last written; a store has its own stamp
  std::array<SessionId, kMostCandidates>
      ids{};  // of all that opened and may be alive: see end_session
  std::size_t id_count = 0;
};

// What the response says of the return cookie.
enum class ReturnCookieNews : std::uint8_t { None, Keep, Clear };

// A response that Keepsake makes itself, instead of a backend's.
struct LocalReply {
  unsigned status = 0;  // 0: none
  std::string_view reason;
  std::string_view content_type;  // empty: no body
  std::string_view location;
  std::string detail;        // for the client, in place of the fault's own
  std::string allow;         // for 405
  unsigned retry_after = 0;  // seconds
  bool cacheable = false;    // by the rules of its status; else no-store
};

// The relaying of a request body that was not there whole with its head; see relay_upload.
struct Upload {
  bool began = false;  // bytes of the body are gone from our hands
  bool running = false;
  bool stop = false;
  bool done = false;          // every byte was read and written
  int unsent = 0;             // then: what of it the backend had not accepted at the last look
  Fault fault = Fault::None;  // the client's fault that ended it
  Wakeup finished;
};

struct Exchange {
  Exchange(Client& from, Workspace& workspace);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Client& client;
  Workspace& work;
  Services& services;
  const View* view = nullptr;         // the client keeps it alive
  const RouteRules* rules = nullptr;  // of the route; until it is known, what holds without one

  // read_head, check_request
  Target target;
  std::string_view path;          // normalised
  Framing body;                   // of the request
  ChunkReader chunks;             // its reader, when chunked
  std::uint64_t body_left = 0;    // of a body with a length, still to be read
  std::uint64_t body_bytes = 0;   // read so far
  bool body_read = false;         // the whole request body has been taken from the client
  bool expects_continue = false;  // the client waits for 100 before it sends the body
  bool upgrade = false;           // a WebSocket handshake
  bool client_keeps_alive = false;
  bool client_closes = false;  // it said Connection: close
  bool wants_trailers = false;
  bool head_read = false;  // request head was understood: the fields may be looked at
  VisitedSite site;

  // match_route
  const RouteConfig* route = nullptr;
  const RouteRules* folded = nullptr;  // of another route that the folded path takes: its
                                       // rate_limits count too

  // attach_session
  SessionState session;
  ReturnCookieNews return_news = ReturnCookieNews::None;

  // hold_session: the worker's list, and what is known in an exchange that takes long
  Exchange* next_held = nullptr;
  Exchange** held_link = nullptr;
  std::shared_ptr<SessionHold> hold;

  // forward_request
  Lease lease;
  Balancer* balancer = nullptr;
  const ServerConfig* server = nullptr;  // the last that was tried
  std::optional<TraceParent> trace;      // trace_request
  Framing response_body;
  bool tunnel = false;  // the backend switched protocols
  Upload upload;

  // write_response
  LocalReply reply;
  bool head_sent = false;          // bytes of the final response are on their way
  bool chunked = false;            // the body goes out in chunks, where the protocol has them
  bool keep_alive_allowed = true;  // false: the fault forbids another exchange on this connection
  bool keep_alive = false;
  std::uint64_t sent = 0;  // body bytes to the client
  unsigned status = 0;     // of the final response, for the log

  bool for_one_visitor = false;  // commit_session forbade caches to keep the response
  std::uint32_t spoofs = 0;      // forged headers that were removed
  Fault fault = Fault::None;     // what ended it, for the log
  std::string_view note;         // more about the fault, for the log; static or in the workspace
  SteadyTime started{};
  std::optional<IpAddress> address;  // ask client_address()

  bool is_head() const { return work.request.method == Method::Head; }
};

// The id of this exchange in every log and header: made at first use, or a trusted peer's.
const std::string& request_id(Exchange& x);

}  // namespace keepsake
