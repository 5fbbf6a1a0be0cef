#include "exchange/relay_body.hpp"

#include <algorithm>

#include "exchange/client_side.hpp"
#include "exchange/fail_exchange.hpp"
#include "exchange/read_response.hpp"
#include "exchange/relay_upload.hpp"
#include "exchange/services.hpp"

namespace keepsake {

namespace {

void truncate(Exchange& x, Fault fault) {
  x.fault = fault;
  log_fault(x, fault);
  abort_response(x, fault);
  x.client.on_cut = nullptr;
  if (!x.upload.running) {  // else it still writes to the link: finish_upload ends that first
    x.lease.close();
  }
}

// Passes a piece on, behind the head if that stands in work.out. False: truncated.
Task<bool> pass_on(Exchange& x, std::string_view data, bool last, std::string_view trailers = {}) {
  x.client.phase = Client::Phase::Writing;
  const IoStatus status = co_await write_piece(x, data, last, trailers);
  if (status != IoStatus::Ok) {
    truncate(x, status == IoStatus::TimedOut ? Fault::ClientStalled : Fault::ClientGone);
    co_return false;
  }
  x.sent += data.size();
  co_return true;
}

// Reads more from the backend. False: it ended (`ended`), or the exchange was truncated.
Task<bool> more_from_backend(Exchange& x, bool& ended) {
  Buffer& in = x.lease->in;
  in.compact();
  x.client.phase = Client::Phase::Waiting;
  IoResult read;
  do {
    read = co_await x.lease->more(response_deadline(x));
  } while (read.status == IoStatus::TimedOut && still_accepts_request(x));
  if (read.status == IoStatus::Ok) {
    co_return true;
  }
  if (read.status == IoStatus::End &&
      (x.response_body.kind == BodyKind::UntilClose || x.lease->http2 != nullptr)) {
    ended = true;
  } else {
    truncate(x, read_fault(x, read.status));
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
    left -= data.size();
    if (!co_await pass_on(x, data, left == 0)) {
      co_return;
    }
    in.consume(data.size());
  }
}

Task<void> relay_until_close(Exchange& x) {
  bool ended = false;
  while (true) {
    Buffer& in = x.lease->in;
    if (in.empty() && !co_await more_from_backend(x, ended)) {
      break;
    }
    const std::string_view data = in.bytes();
    if (!co_await pass_on(x, data, false)) {
      co_return;
    }
    in.consume(data.size());
  }
  if (ended) {
    co_await pass_on(x, {}, true);
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

// Passes on what each read brought as one piece.
Task<void> relay_chunked(Exchange& x) {
  ChunkReader reader{x.view->snapshot->response_limits, ChunkReader::From::Backend};
  std::string trailers;
  bool ended = false;
  while (true) {
    const Arrived arrived = take_chunks(x, reader, trailers);
    // A head that came with half a chunk line does not wait for the other half.
    if (!co_await pass_on(x, arrived.data, arrived.complete, trailers)) {
      co_return;
    }
    if (arrived.bad) {
      truncate(x, Fault::BackendBadResponse);
      co_return;
    }
    x.lease->in.consume(arrived.used);
    if (arrived.complete) {
      co_return;
    }
    if (arrived.more) {
      co_await x.lease->stream.next_turn();
    } else if (!co_await more_from_backend(x, ended)) {
      co_return;
    }
  }
}

// Of the lines of a trailer section those that may pass.
void append_trailers(const Exchange& x, std::string_view lines, std::string& out) {
  Field field;
  std::size_t size = 0;
  const char* why = "";
  while (x.wants_trailers && !lines.empty() &&
         parse_field_line(lines, field, size, why) == HeadStatus::Ok) {
    if (trailer_may_pass(x, field)) {
      out.append(field.line);
    }
    lines.remove_prefix(size);
  }
}

// Of a stream, whose end says that the body is complete: until then the last byte of a body with a
// length is held back, which is all that an HTTP/1 client goes by.
Task<void> relay_stream(Exchange& x) {
  BackendConnection& backend = *x.lease;
  const bool counted = x.response_body.kind == BodyKind::Length;
  std::string trailers;
  bool ended = false;
  while (true) {
    const bool all = backend.has_all();
    std::string_view data = backend.in.bytes();
    if (!all && counted && !data.empty() && x.sent + data.size() >= x.response_body.length) {
      data.remove_suffix(1);
    }
    if (all) {
      if (counted && x.sent + data.size() != x.response_body.length) {
        x.note = "a body of another length";
        truncate(x, Fault::BackendBadResponse);
        co_return;
      }
      append_trailers(x, backend.trailers(), trailers);
    }
    if (!data.empty() || all) {
      if (!co_await pass_on(x, data, all, trailers)) {
        co_return;
      }
      backend.in.consume(data.size());
    } else if (!co_await more_from_backend(x, ended) && !ended) {
      co_return;
    }
    if (all) {
      co_return;
    }
  }
}

}  // namespace

Task<void> relay_response_body(Exchange& x) {
  if (x.lease->http2 != nullptr && x.response_body.kind != BodyKind::None) {
    co_await relay_stream(x);
    co_return;
  }
  switch (x.response_body.kind) {
    case BodyKind::None:
      break;
    case BodyKind::Length:
      co_await relay_counted(x);
      break;
    case BodyKind::Chunked:
      co_await relay_chunked(x);
      break;
    case BodyKind::UntilClose:
      co_await relay_until_close(x);
      break;
  }
}

}  // namespace keepsake
