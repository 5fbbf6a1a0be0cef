#include "server/relay_body.hpp"

#include <algorithm>

#include "server/fail_exchange.hpp"
#include "server/relay_upload.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

// A piece of at most this much is copied behind what stands before it, so that one write takes
// both.
constexpr std::size_t kCopiedPiece = 16 * 1024;

// How the client learns that a response is incomplete, behind all of it that has come. Its length
// or its missing last chunk says so; a body that lasts until the close needs a reset (RFC 9112 8).
Connection::Ending ending_of(const Exchange& x, Fault fault) {
  if (fault == Fault::ClientGone || fault == Fault::ClientStalled) {
    return Connection::Ending::Abandon;
  }
  return ends_by_close(x) ? Connection::Ending::Reset : Connection::Ending::Truncate;
}

void truncate(Exchange& x, Fault fault) {
  x.fault = fault;
  log_fault(x, fault);
  x.keep_alive = false;
  x.connection.ending = ending_of(x, fault);
  x.connection.on_cut = nullptr;
  if (!x.upload.running) {  // else it still writes to the link: finish_upload ends that first
    x.lease.close();
  }
}

// Writes what is pending in work.out (the head, at first), `data` behind it, then `tail`. False:
// truncated.
Task<bool> flush(Exchange& x, std::string_view data = {}, std::string_view tail = {}) {
  std::string& out = x.work.out;
  const std::size_t size = data.size();
  if (size <= kCopiedPiece) {
    out.append(data).append(tail);
    data = tail = {};
  }
  x.connection.phase = Connection::Phase::Writing;
  const IoStatus status =
      co_await x.connection.stream.write(x.rules->timeouts.write, out, data, tail);
  out.clear();
  if (status != IoStatus::Ok) {
    truncate(x, status == IoStatus::TimedOut ? Fault::ClientStalled : Fault::ClientGone);
    co_return false;
  }
  x.sent += size;
  co_return true;
}

Fault backend_fault(const Exchange& x, IoStatus status) {
  if (x.connection.stream.interrupted()) {
    return Fault::ClientGone;
  }
  if (x.upload.fault != Fault::None) {
    return x.upload.fault;
  }
  return status == IoStatus::TimedOut ? Fault::BackendTimeout : Fault::BackendClosed;
}

// Reads more from the backend. False: it ended (`ended`), or the exchange was truncated.
Task<bool> more_from_backend(Exchange& x, bool& ended) {
  Buffer& in = x.lease->in;
  in.compact();
  x.connection.phase = Connection::Phase::Waiting;
  IoResult read;
  do {
    read = co_await x.lease->more(response_deadline(x));
  } while (read.status == IoStatus::TimedOut && still_accepts_request(x));
  if (read.status == IoStatus::Ok) {
    co_return true;
  }
  if (read.status == IoStatus::End && x.response_body.kind == BodyKind::UntilClose) {
    ended = true;
  } else {
    truncate(x, backend_fault(x, read.status));
  }
  co_return false;
}

Task<void> relay_counted(Exchange& x) {
  std::uint64_t left = x.response_body.length - x.sent;
  bool ended = false;
  while (left > 0) {
    Buffer& in = x.lease->in;
    if (in.empty() && !co_await more_from_backend(x, ended)) {
      co_return;
    }
    const std::string_view data =
        in.bytes().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, in.size())));
    if (!co_await flush(x, data)) {
      co_return;
    }
    in.consume(data.size());
    left -= data.size();
  }
}

Task<void> relay_until_close(Exchange& x, bool chunked_to_client) {
  bool ended = false;
  while (!ended) {
    Buffer& in = x.lease->in;
    if (in.empty() && !co_await more_from_backend(x, ended)) {
      break;
    }
    const std::string_view data = in.bytes();
    if (chunked_to_client) {
      append_chunk_line(data.size(), x.work.out);
    }
    if (!co_await flush(x, data, chunked_to_client ? kChunkEnd : std::string_view{})) {
      co_return;
    }
    in.consume(data.size());
  }
  if (ended && chunked_to_client) {
    x.work.out.append(kLastChunk);
    co_await flush(x);
  }
}

// A trailer field that may pass: nothing that frames, routes, or is ours to say (RFC 9110 6.5.1).
bool trailer_may_pass(const Exchange& x, const Field& trailer) {
  return x.view->snapshot->names.find(trailer.name).id == FieldId::Other &&
         !x.rules->response_names.has(trailer.name);
}

// The chunks that have arrived from the backend: their data, moved together, and what came behind
// it.
struct Arrived {
  std::string_view data;
  std::size_t used = 0;  // bytes of the buffer that are done with
  bool complete = false;
  bool bad = false;
  bool more = false;  // more has come than one turn may take
};

Arrived take_chunks(Exchange& x, ChunkReader& reader, std::string& trailers) {
  Buffer& in = x.lease->in;
  Arrived arrived;
  while (true) {
    const ChunkReader::Piece piece =
        reader.next_run(in.data() + arrived.used, in.size() - arrived.used);
    arrived.used += piece.consumed;
    switch (piece.step) {
      case ChunkReader::Step::Data:
        arrived.data = piece.data;
        if (piece.more) {
          arrived.more = true;
          return arrived;
        }
        break;
      case ChunkReader::Step::Trailer:
        if (x.wants_trailers && trailer_may_pass(x, piece.trailer)) {
          trailers.append(piece.trailer.line);
        }
        break;
      case ChunkReader::Step::Bad:
        x.note = piece.why;
        arrived.bad = true;
        return arrived;
      case ChunkReader::Step::End:
        arrived.complete = true;
        return arrived;
      case ChunkReader::Step::NeedMore:
        return arrived;
    }
  }
}

// Writes what each read brought as one chunk of our own, complete.
Task<void> relay_chunked(Exchange& x, bool chunked_to_client) {
  ChunkReader reader{x.view->snapshot->response_limits};
  std::string trailers;
  std::string last;
  bool ended = false;
  while (true) {
    const Arrived arrived = take_chunks(x, reader, trailers);
    std::string_view tail;
    if (chunked_to_client) {
      if (!arrived.data.empty()) {
        append_chunk_line(arrived.data.size(), x.work.out);
        tail = kChunkEnd;
      }
      if (arrived.complete) {
        last.append(tail).append("0\r\n").append(trailers).append("\r\n");
        tail = last;
      }
    }
    // A head that came with half a chunk line does not wait for the other half.
    const bool pending = !x.work.out.empty() || !arrived.data.empty() || !tail.empty();
    if (pending && !co_await flush(x, arrived.data, tail)) {
      co_return;
    }
    if (arrived.complete) {
      x.lease->in.consume(arrived.used);
      co_return;
    }
    if (arrived.bad) {
      truncate(x, Fault::BackendBadResponse);
      co_return;
    }
    x.lease->in.consume(arrived.used);
    if (arrived.more) {
      co_await x.lease->stream.next_turn();
    } else if (!co_await more_from_backend(x, ended)) {
      co_return;
    }
  }
}

}  // namespace

bool ends_by_close(const Exchange& x) {
  return x.work.request.minor == 0 && (x.response_body.kind == BodyKind::Chunked ||
                                       x.response_body.kind == BodyKind::UntilClose);
}

Task<void> relay_response_body(Exchange& x, bool chunked_to_client) {
  switch (x.response_body.kind) {
    case BodyKind::None:
      break;
    case BodyKind::Length:
      co_await relay_counted(x);
      break;
    case BodyKind::Chunked:
      co_await relay_chunked(x, chunked_to_client);
      break;
    case BodyKind::UntilClose:
      co_await relay_until_close(x, chunked_to_client);
      break;
  }
}

}  // namespace keepsake
