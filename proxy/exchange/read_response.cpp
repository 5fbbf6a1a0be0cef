#include "exchange/read_response.hpp"

#include <algorithm>

#include "exchange/client_side.hpp"
#include "exchange/count_exchange.hpp"
#include "exchange/relay_upload.hpp"
#include "exchange/response_head.hpp"
#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "http/connection_auth.hpp"
#include "http/keep_alive.hpp"

namespace keepsake {

namespace {

// Reads the next head, interim or final, into x.work.response.
Task<Attempt> read_response_head(Exchange& x) {
  Attempt attempt{Fault::None, true, false, false};
  BackendConnection& backend = *x.lease;
  ResponseHead& head = x.work.response;
  const Snapshot& snapshot = *x.view->snapshot;
  head.reset(snapshot.request_limits.fields);
  while (true) {
    if (!backend.in.empty()) {
      attempt.answered = true;
      const HeadStatus status =
          parse_response_head(backend.in.bytes(), snapshot.response_limits, snapshot.names, head);
      if (status == HeadStatus::Ok) {
        co_return attempt;
      }
      if (status != HeadStatus::NeedMore) {
        x.note = status == HeadStatus::TooLarge ? "above limits.response_header" : head.why;
        attempt.fault =
            status == HeadStatus::TooLarge ? Fault::BackendHeadTooLarge : Fault::BackendBadResponse;
        co_return attempt;
      }
      if (backend.in.space_size() < snapshot.response_limits.bytes) {
        backend.in.compact();
        head.reset(snapshot.request_limits.fields);
      }
    }
    const IoResult read = co_await backend.more(response_deadline(x));
    if (read.status == IoStatus::TimedOut && still_accepts_request(x)) {
      continue;
    }
    if (read.status != IoStatus::Ok) {
      attempt.fault = read_fault(x, read.status);
      attempt.refused = backend.refused();
      co_return attempt;
    }
  }
}

// A 1xx other than 101 goes on to clients that know them; an unasked 100 does not: we gave ours.
Task<Fault> relay_interim(Exchange& x) {
  const ResponseHead& head = x.work.response;
  if (head.status == 100 || x.work.request.minor == 0) {
    co_return Fault::None;
  }
  x.work.out.clear();
  append_interim_head(x, x.work.out);
  const IoStatus status = co_await write_interim(x);
  co_return status == IoStatus::Ok ? Fault::None : Fault::ClientGone;
}

// Takes the head off the backend's buffer; its views stay valid until the body is read past it.
void take_head(Exchange& x) {
  x.lease->in.hold(x.work.response.size);
}

// What of a chunked body came with its head, as long as a 502 can still be said: no more of it than
// one turn may read.
bool begins_well(const Exchange& x) {
  ChunkReader reader{x.view->snapshot->response_limits, ChunkReader::From::Backend};
  std::string_view rest = x.lease->in.bytes().substr(x.work.response.size);
  for (std::size_t chunk = 0; chunk < ChunkReader::kMaxRun; ++chunk) {
    const ChunkReader::Piece piece = reader.next(rest);
    if (piece.step == ChunkReader::Step::Bad) {
      return false;
    }
    if (piece.step == ChunkReader::Step::NeedMore || piece.step == ChunkReader::Step::End) {
      return true;
    }
    rest.remove_prefix(piece.consumed);
  }
  return true;
}

// A body over HTTP/2 that has come whole gets a length, which spares an HTTP/1 client the chunks.
void measure_whole(Exchange& x) {
  if (x.response_body.kind == BodyKind::UntilClose && x.lease->has_all() &&
      x.lease->trailers().empty()) {
    x.response_body.kind = BodyKind::Length;
    x.response_body.length = x.lease->in.size() - x.work.response.size;
    x.response_body.declared_length = x.client.http2 == nullptr;
  }
}

Fault judge_final_head(Exchange& x) {
  const ResponseHead& head = x.work.response;
  if (head.status == 101) {
    const Field* upgrade = head.find(FieldId::Upgrade);
    if (!x.upgrade || upgrade == nullptr || !equals_lower(upgrade->value, "websocket")) {
      x.note = "switched protocols unasked";
      return Fault::BackendBadResponse;
    }
    if (!answers_handshake(x)) {
      x.note = "a Sec-WebSocket-Accept that is none";
      return Fault::BackendBadResponse;
    }
    x.tunnel = true;
    return Fault::None;
  }
  x.response_body = response_framing(head, x.is_head());
  if (x.response_body.error != 0) {
    x.note = x.response_body.why;
    return Fault::BackendBadResponse;
  }
  if (x.lease->http2 != nullptr) {
    measure_whole(x);
  }
  if (x.response_body.kind == BodyKind::Chunked && !begins_well(x)) {
    x.note = "malformed chunk";
    return Fault::BackendBadResponse;
  }
  return Fault::None;
}

bool lists_connection_auth(const Head& head, FieldId id) {
  if (!head.has(id)) [[likely]] {
    return false;
  }
  return std::any_of(head.fields.begin(), head.fields.end(), [id](const Field& field) {
    return field.id == id && field.exact && names_connection_auth(field.value);
  });
}

// What the final head says of the backend connection's future: when its server closes it, and
// whether a client has authenticated on it. Where one client connection may carry several visitors
// it cannot belong to one of them.
void judge_connection(Exchange& x) {
  const ResponseHead& head = x.work.response;
  if (const Field* field = head.find(FieldId::KeepAlive)) {
    x.lease->obey(read_keep_alive(field->value));
  }
  if (lists_connection_auth(head, FieldId::WwwAuthenticate) ||
      lists_connection_auth(x.work.request, FieldId::Authorization)) [[unlikely]] {
    x.lease->belong_to(x.client.peer.trusted ? nullptr : x.client.authenticated);
  }
}

// Interim responses may be many (a job that says how far it is), but no flood: a thousand at once,
// and a hundred in each further second.
class InterimBudget {
 public:
  explicit InterimBudget(SteadyTime now) : since_(now) {}
  bool take(SteadyTime now) {
    constexpr std::uint64_t kAtOnce = 1000;
    constexpr std::uint64_t kPerSecond = 100;
    const auto seconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now - since_).count());
    return ++taken_ <= kAtOnce + kPerSecond * seconds;
  }

 private:
  SteadyTime since_;
  std::uint64_t taken_ = 0;
};

}  // namespace

Fault read_fault(Exchange& x, IoStatus status) {
  if (x.client.gone) {
    return Fault::ClientGone;
  }
  if (x.upload.fault != Fault::None) {
    return x.upload.fault;
  }
  if (x.lease->fault() != Fault::None) {
    x.note = x.lease->why();
    return x.lease->fault();
  }
  return status == IoStatus::TimedOut ? Fault::BackendTimeout : Fault::BackendClosed;
}

Task<Attempt> read_response(Exchange& x, SteadyTime sent) {
  Attempt attempt;
  InterimBudget budget{sent};
  bool interim = false;
  do {
    attempt = co_await read_response_head(x);
    attempt.answered = attempt.answered || interim;
    if (attempt.fault != Fault::None) {
      co_return attempt;
    }
    if (x.work.response.status >= 200 || x.work.response.status == 101) {
      count_backend_head(x, sent);
      attempt.fault = judge_final_head(x);
      judge_connection(x);
      take_head(x);
      co_return attempt;
    }
    attempt.fault = co_await relay_interim(x);
    if (attempt.fault != Fault::None) {
      co_return attempt;
    }
    x.lease->in.consume(x.work.response.size);
    interim = true;
    if (!x.lease->in.empty()) {
      co_await x.lease->stream.next_turn();  // a buffer holds hundreds of them
    }
  } while (budget.take(x.services.streams().now()));
  x.note = "too many interim responses";
  attempt.fault = Fault::BackendBadResponse;
  co_return attempt;
}

}  // namespace keepsake
