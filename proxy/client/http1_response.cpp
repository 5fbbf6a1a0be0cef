// HTTP/1: the end of a response's head, its body in chunks where it has no length, and how an
// incomplete one ends. Part of http1_side.hpp.

#include "client/connections.hpp"
#include "client/http1_side.hpp"

namespace keepsake::http1 {

using namespace std::string_view_literals;

namespace {

// A piece of at most this much is copied behind what stands before it, so that one write takes
// both.
constexpr std::size_t kCopiedPiece = 16 * 1024;

// A response without a length reaches an HTTP/1.0 client as "until the connection closes".
bool ends_by_close(const Exchange& x) {
  return x.work.request.minor == 0 && (x.response_body.kind == BodyKind::Chunked ||
                                       x.response_body.kind == BodyKind::UntilClose);
}

// Whether the client connection can carry another exchange after this one.
bool may_go_on(const Exchange& x) {
  return x.keep_alive_allowed && x.client_keeps_alive && x.head_read && x.body_read &&
         !x.upload.running && !x.upgrade && !x.services.draining() &&
         x.client.number < x.rules->limits.requests_per_connection && !ends_by_close(x);
}

// After its last response a client that did not say that it would be its last may still be sending.
bool may_still_send(const Exchange& x) {
  return x.client_keeps_alive || !x.head_read || !x.body_read || x.upload.running ||
         !x.work.in.empty() || !x.client.wire.took_all();
}

}  // namespace

void end_head(Exchange& x) {
  x.keep_alive = may_go_on(x);
  std::string& out = x.work.out;
  if (!x.keep_alive) {
    out.append("Connection: close\r\n"sv);
  } else if (x.work.request.minor == 0) {
    out.append("Connection: keep-alive\r\n"sv);
  }
  out.append("\r\n"sv);
}

Task<IoStatus> write_piece(Exchange& x, std::string_view data, bool last,
                           std::string_view trailers) {
  std::string& out = x.work.out;
  std::string end;  // short, but for trailers
  std::string_view tail;
  if (x.chunked) {
    if (!data.empty()) {
      append_chunk_line(data.size(), out);
      tail = kChunkEnd;
    }
    if (last) {
      end.append(tail).append("0\r\n"sv).append(trailers).append("\r\n"sv);
      tail = end;
    }
  }
  if (data.size() <= kCopiedPiece) {
    out.append(data).append(tail);
    data = tail = {};
  }
  IoStatus status = IoStatus::Ok;
  if (!out.empty() || !data.empty()) {
    status = co_await x.client.wire.write(x.rules->timeouts.write, out, data, tail);
  }
  out.clear();
  co_return status;
}

// Its length or its missing last chunk says that a response is incomplete; a body that lasts until
// the close needs a reset (RFC 9112 8).
void abort_response(Exchange& x, Fault fault) {
  x.keep_alive = false;
  if (fault == Fault::ClientGone || fault == Fault::ClientStalled) {
    x.client.ending = Client::Ending::Abandon;
  } else {
    x.client.ending = ends_by_close(x) ? Client::Ending::Reset : Client::Ending::Truncate;
  }
}

void end_response(Exchange& x) {
  if (!x.keep_alive && x.client.ending == Client::Ending::Close && may_still_send(x)) {
    x.client.ending = Client::Ending::Linger;
  }
}

}  // namespace keepsake::http1
