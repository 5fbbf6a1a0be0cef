#include "server/relay_body.hpp"

#include <algorithm>

#include "server/fail_exchange.hpp"
#include "server/worker.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kCopiedPiece = 16 * 1024;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// The line before a chunk of `size` bytes; with the CRLF that ends the chunk before it, if there is
// one.
void append_chunk_line(std::size_t size, bool first, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  if (!first) {
    out += "\r\n";
  }
  char digits[16];
  std::size_t n = 0;
  do {
    digits[n++] = kHex[size & 15U];
    size >>= 4U;
  } while (size != 0);
  while (n != 0) {
    out.push_back(digits[--n]);
  }
  out += "\r\n";
}

// What is at the front of the input, if it needs no more bytes. Empty optional: read more.
std::optional<BodyPiece> take_buffered(Exchange& x) {
  Buffer& in = x.work.in;
  BodyPiece piece;
  if (x.body.kind == BodyKind::Length) {
    if (in.empty()) {
      return std::nullopt;
    }
    piece.data = in.bytes().substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(x.body_left, in.size())));
    x.body_left -= piece.data.size();
    x.body_read = x.body_left == 0;
    in.consume(piece.data.size());
    return piece;
  }
  while (true) {
    const ChunkReader::Piece chunk = x.chunks.next(in.bytes());
    in.consume(chunk.consumed);
    switch (chunk.step) {
      case ChunkReader::Step::NeedMore:
        return std::nullopt;
      case ChunkReader::Step::Trailer:
        continue;  // checked and counted; never forwarded
      case ChunkReader::Step::Data:
        piece.data = chunk.data;
        return piece;
      case ChunkReader::Step::End:
        x.body_read = true;
        piece.end = true;
        return piece;
      case ChunkReader::Step::Bad:
        x.note = chunk.why;
        piece.fault = Fault::BadBody;
        return piece;
    }
  }
}

Fault read_fault(IoStatus status) {
  return status == IoStatus::TimedOut ? Fault::BodyTimeout : Fault::ClientGone;
}

Task<void> upload(Exchange& x) {
  const bool chunked = x.body.kind == BodyKind::Chunked;
  const TimeoutsConfig& timeouts = x.rules->timeouts;
  std::string line;
  bool first = true;
  while (!x.upload.stop) {
    const BodyPiece piece = co_await read_body_piece(x);
    if (piece.fault != Fault::None) {
      if (!x.upload.stop) {
        x.upload.fault = piece.fault;
        x.lease->stream.interrupt();  // the backend must not take half a body for a whole one
      }
      break;
    }
    line.clear();
    if (piece.end) {
      if (chunked) {
        line.append(first ? "" : "\r\n").append(kLastChunk);
        if (co_await x.lease->stream.write(timeouts.write, line) != IoStatus::Ok) {
          break;
        }
      }
      x.upload.done = true;
      break;
    }
    if (chunked) {
      append_chunk_line(piece.data.size(), first, line);
    }
    const IoStatus written = co_await x.lease->stream.write(timeouts.write, line, piece.data);
    if (written == IoStatus::TimedOut && !x.upload.stop) {
      x.upload.fault = Fault::BackendStalled;
      x.lease->stream.interrupt();
    }
    if (written != IoStatus::Ok) {
      break;  // the backend takes no more; its response, if any, is read by the exchange
    }
    first = false;
  }
  x.upload.running = false;
  if (x.connection.phase == Connection::Phase::Waiting && !x.upload.stop) {
    x.lease->stream.set_read_deadline(response_deadline(x));  // now it is the backend's turn
  }
  x.upload.finished.wake();
}

}  // namespace

SteadyTime response_deadline(const Exchange& x) {
  return x.upload.running ? SteadyTime::max()
                          : x.lease->stream.in(x.rules->timeouts.response);
}

Task<BodyPiece> read_body_piece(Exchange& x) {
  BodyPiece piece;
  Buffer& in = x.work.in;
  if (x.body_read) {
    piece.end = true;
    co_return piece;
  }
  while (true) {
    if (const std::optional<BodyPiece> buffered = take_buffered(x)) {
      piece = *buffered;
      break;
    }
    in.compact();
    if (in.space_size() == 0) {
      piece.fault = Fault::BadBody;  // a chunk line or trailer of more than a buffer
      break;
    }
    const IoResult read = co_await x.connection.stream.read_some(
        in.space(), in.space_size(), x.connection.stream.in(x.rules->timeouts.body));
    if (read.status != IoStatus::Ok) {
      piece.fault = read_fault(read.status);
      break;
    }
    in.commit(read.bytes);
  }
  x.body_bytes += piece.data.size();
  if (piece.fault == Fault::None && x.body_bytes > x.rules->limits.body) {
    piece.fault = Fault::BodyTooLarge;
  }
  co_return piece;
}

Task<IoStatus> invite_body(Exchange& x) {
  if (!x.expects_continue || !x.work.in.empty()) {
    co_return IoStatus::Ok;
  }
  x.expects_continue = false;
  co_return co_await x.connection.stream.write(x.rules->timeouts.write, kContinue);
}

void start_upload(Exchange& x) {
  x.upload.began = true;
  x.upload.running = true;
  start(upload(x));
}

Task<void> finish_upload(Exchange& x) {
  if (!x.upload.running) {
    co_return;
  }
  x.upload.stop = true;
  x.connection.stream.nudge_reader();
  if (x.lease) {
    x.lease->stream.interrupt();
  }
  if (x.upload.running) {
    co_await x.upload.finished;
  }
}

namespace {

// Ends the exchange with the client's connection cut: a truncated body must never look whole (RFC
// 9112 8).
void truncate(Exchange& x, Fault fault) {
  x.fault = fault;
  log_fault(x, fault);
  x.keep_alive = false;
  x.connection.truncated = true;
  x.connection.on_cut = nullptr;
  if (!x.upload.running) {  // else it still writes to the link: finish_upload ends that first
    x.lease.close();
  }
}

// Writes what is pending in work.out (the head, at first) and `data` behind it. False: truncated.
Task<bool> flush(Exchange& x, std::string_view data = {}) {
  x.connection.phase = Connection::Phase::Writing;
  const IoStatus status =
      co_await x.connection.stream.write(x.rules->timeouts.write, x.work.out, data);
  x.work.out.clear();
  if (status != IoStatus::Ok) {
    truncate(x, status == IoStatus::TimedOut ? Fault::ClientStalled : Fault::ClientGone);
    co_return false;
  }
  x.sent += data.size();
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
  const IoResult read = co_await x.lease->more(response_deadline(x));
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
  bool first = true;
  bool ended = false;
  while (!ended) {
    Buffer& in = x.lease->in;
    if (in.empty() && !co_await more_from_backend(x, ended)) {
      break;
    }
    const std::string_view data = in.bytes();
    if (chunked_to_client) {
      append_chunk_line(data.size(), first, x.work.out);
    }
    if (!co_await flush(x, data)) {
      co_return;
    }
    first = false;
    in.consume(data.size());
  }
  if (ended && chunked_to_client) {
    x.work.out.append(first ? "" : "\r\n").append(kLastChunk);
    co_await flush(x);
  }
}

// A trailer field that may pass: nothing that frames, routes, or is ours to say (RFC 9110 6.5.1).
bool trailer_may_pass(const Exchange& x, const Field& trailer) {
  return x.view->snapshot->names.find(trailer.name).id == FieldId::Other &&
         !x.rules->response_names.has(trailer.name);
}

// Decodes the backend's chunks and writes what each read brought as one chunk of our own.
Task<void> relay_chunked(Exchange& x, bool chunked_to_client) {
  ChunkReader reader{x.view->snapshot->response_limits};
  std::string data;  // decoded pieces, when one read held several
  std::string trailers;
  bool first = true;
  bool complete = false;
  bool ended = false;
  while (!complete) {
    Buffer& in = x.lease->in;
    std::string_view rest = in.bytes();
    std::string_view only;
    data.clear();
    while (true) {
      const ChunkReader::Piece piece = reader.next(rest);
      rest.remove_prefix(piece.consumed);
      if (piece.step == ChunkReader::Step::Data) {
        if (only.empty() && data.empty()) {
          only = piece.data;
        } else {
          data.append(only).append(piece.data);
          only = {};
        }
        continue;
      }
      if (piece.step == ChunkReader::Step::Trailer) {
        if (x.wants_trailers && trailer_may_pass(x, piece.trailer)) {
          trailers.append(piece.trailer.line);
        }
        continue;
      }
      if (piece.step == ChunkReader::Step::Bad) {
        x.note = piece.why;
        truncate(x, Fault::BackendBadResponse);
        co_return;
      }
      complete = piece.step == ChunkReader::Step::End;
      break;
    }
    const std::string_view out = data.empty() ? only : std::string_view{data};
    if (!out.empty()) {
      if (chunked_to_client) {
        append_chunk_line(out.size(), first, x.work.out);
      }
      first = false;
      if (complete && out.size() <= kCopiedPiece) {
        x.work.out.append(out);  // goes with the last chunk in one system call
        x.sent += out.size();
      } else if (!co_await flush(x, out)) {
        co_return;
      }
    }
    in.consume(in.size() - rest.size());
    if (complete) {
      break;
    }
    // A head that came with half a chunk line does not wait for the other half.
    if (!x.work.out.empty() && !co_await flush(x)) {
      co_return;
    }
    if (!co_await more_from_backend(x, ended)) {
      co_return;
    }
  }
  if (chunked_to_client) {
    x.work.out.append(first ? "0\r\n" : "\r\n0\r\n").append(trailers).append("\r\n");
  }
  if (!x.work.out.empty()) {
    co_await flush(x);
  }
}

}  // namespace

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
