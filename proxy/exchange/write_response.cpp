#include "exchange/write_response.hpp"

#include <array>
#include <charconv>

#include "base/append_number.hpp"
#include "exchange/client_side.hpp"
#include "exchange/commit_session.hpp"
#include "exchange/relay_body.hpp"
#include "exchange/relay_upload.hpp"
#include "exchange/response_head.hpp"
#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "http/grpc.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// A body of at most this much that is there already is copied behind its head: one system call, and
// the backend's link is free before the client is written to.
constexpr std::size_t kCopiedBody = 16 * 1024;

void append_number_line(std::string_view name, std::uint64_t value, std::string& out) {
  append_number(value, out.append(name));
  out.append("\r\n"sv);
}

// A server that cannot be reached is unavailable, which clients may try again, however long it took
// to find out.
unsigned grpc_code(Fault fault) {
  return grpc_status_of(fault == Fault::BackendConnectTimeout ? 503U : describe(fault).status);
}

void append_local_head(const Exchange& x, std::string& out) {
  const LocalReply& reply = x.reply;
  out.append("HTTP/1.1 "sv);
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), reply.status).ptr;
  out.append(digits.data(), end).append(" "sv).append(reply.reason).append("\r\n"sv);
  out.append(x.services.date_line());
  if (!reply.location.empty()) {
    out.append("Location: "sv).append(reply.location).append("\r\n"sv);
  }
  if (!reply.allow.empty()) {
    out.append("Allow: "sv).append(reply.allow).append("\r\n"sv);
  }
  if (reply.status == 401) {
    out.append("WWW-Authenticate: Session\r\n"sv);  // RFC 9110 11.6.1
  }
  if (reply.retry_after != 0) {
    append_number_line("Retry-After: ", reply.retry_after, out);
  }
  if (!reply.content_type.empty()) {
    out.append("Content-Type: "sv).append(reply.content_type).append("\r\n"sv);
  }
  if (reply.content_type == kGrpcType) {
    append_number_line("grpc-status: ", grpc_code(x.fault), out);
    out.append("grpc-message: "sv);
    append_grpc_message(reply.detail, out);
    out.append("\r\n"sv);
  } else if (reply.status != 204) {  // RFC 9110 8.6
    append_number_line("Content-Length: ", x.work.body.size(), out);
  }
  if (!x.for_one_visitor && !reply.cacheable) {
    out.append(kNoStore);
  }
  out.append(x.rules->lines);
  out.append(x.work.session_lines);
}

Task<void> write_local(Exchange& x) {
  x.work.out.clear();
  append_local_head(x, x.work.out);
  end_head(x);
  const std::string_view body = x.is_head() ? std::string_view{} : x.work.body;
  x.status = x.reply.status;
  x.sent = body.size();
  x.client.phase = Client::Phase::Writing;
  const IoStatus status = co_await write_head(x, body, true);
  if (status != IoStatus::Ok) {
    abort_response(x, Fault::ClientGone);
  }
  end_response(x);
}

// Whether the backend's link may serve again once the body is read.
bool backend_keeps_alive(const ResponseHead& head) {
  bool keep = head.minor == 1;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Connection && field.exact) {
      for_each_list_element(field.value, [&](std::string_view option) {
        if (equals_lower(option, "close")) {
          keep = false;
        } else if (head.minor == 0 && equals_lower(option, "keep-alive")) {
          keep = true;
        }
      });
    }
  }
  return keep;
}

// A 204 that announces a body: whether its bytes follow, nobody knows.
bool is_confused(const Exchange& x) {
  const ResponseHead& head = x.work.response;
  return head.status == 204 && (x.response_body.length != 0 || head.has(FieldId::TransferEncoding));
}

// Keeps the link for the next exchange, if its state is exactly known; closes it otherwise.
void return_link(Exchange& x, bool reusable) {
  x.client.on_cut = nullptr;
  if (reusable && x.lease && x.lease->in.empty()) {
    x.lease->in.release_held();
    x.lease.give_back();
  } else {
    x.lease.close();
  }
}

// Framing lines of the response to the client; true when its body will be chunked.
bool append_response_framing(const Exchange& x, std::string& out) {
  const ResponseHead& head = x.work.response;
  const Framing& body = x.response_body;
  const bool to_http10 = x.work.request.minor == 0;
  if (head.status == 204 || head.status < 200) {
    return false;
  }
  if (head.status == 205) {
    out.append("Content-Length: 0\r\n"sv);  // RFC 9110 15.3.6: no content
    return false;
  }
  if (body.declared_length) {
    append_number_line("Content-Length: ", body.length, out);
    return false;
  }
  const bool chunked = body.kind == BodyKind::Chunked || body.kind == BodyKind::UntilClose ||
                       (body.kind == BodyKind::None && head.has(FieldId::TransferEncoding));
  if (chunked && !to_http10) {
    out.append("Transfer-Encoding: chunked\r\n"sv);
    return true;
  }
  return false;
}

// What the route adds; to say how long a response may be kept is not its own when a cookie is set.
void append_route_lines(const Exchange& x, std::string& out) {
  out.append(x.rules->backend_lines).append(x.rules->lines);
  if (x.rules->moves_locations) {
    out.append(x.work.moved_lines);
  }
  if (!x.for_one_visitor) {
    out.append(x.rules->caching_lines);
  }
}

Task<void> write_forwarded(Exchange& x) {
  ResponseHead& head = x.work.response;
  // A link that was asked to switch protocols may be in either state now: it is never used again.
  bool reusable = backend_keeps_alive(head) && x.response_body.kind != BodyKind::UntilClose &&
                  !x.upgrade && !is_confused(x);
  if (head.status == 205 && !(x.response_body.kind == BodyKind::None ||
                              (x.response_body.declared_length && x.response_body.length == 0))) {
    x.response_body.kind = BodyKind::None;
    reusable = false;
  }

  std::string& out = x.work.out;
  out.clear();
  append_response_lines(x, out);
  x.chunked = append_response_framing(x, out);
  if (x.rules->adds_lines) {
    append_route_lines(x, out);
  }
  out.append(x.work.session_lines);
  end_head(x);
  x.status = head.status;
  x.head_sent = true;

  // What of the body is here already, when its length tells.
  const bool counted = x.response_body.kind == BodyKind::Length;
  std::string_view ready;
  if (counted) {
    ready = x.lease->in.bytes().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(
                                              x.response_body.length, x.lease->in.size())));
  }
  const bool over_http2 = x.lease->http2 != nullptr;
  const bool whole = x.response_body.kind == BodyKind::None ||
                     (counted && ready.size() == x.response_body.length &&
                      (!over_http2 || (x.lease->has_all() && x.lease->trailers().empty())));
  if (over_http2 && counted && !whole) {
    ready = {};  // relay_stream() knows how much of it may go
  }
  std::string_view piece = ready;
  if (whole && ready.size() <= kCopiedBody) {
    piece = keep_with_head(x, ready);
    x.sent = ready.size();
    x.lease->in.consume(ready.size());
    ready = {};
    if (!x.upload.running) {
      return_link(x, reusable);
    }
  }
  x.client.phase = Client::Phase::Writing;
  const bool head_waits =
      !whole && (over_http2 ? x.lease->in.size() > 1 : !counted && !x.lease->in.empty());
  IoStatus status = IoStatus::Ok;
  if (!head_waits) {
    status = co_await write_head(x, piece, whole);
    out.clear();
  }
  if (status != IoStatus::Ok) {
    x.fault = status == IoStatus::TimedOut ? Fault::ClientStalled : Fault::ClientGone;
    abort_response(x, x.fault);
    reusable = false;
  } else if (!whole || !ready.empty()) {
    x.sent += ready.size();
    if (!ready.empty()) {
      x.lease->in.consume(ready.size());
    }
    co_await relay_response_body(x);
    reusable = reusable && x.fault == Fault::None;
  }
  if (x.upload.running) {
    x.keep_alive = false;
    co_await finish_upload(x);
    reusable = false;
  }
  if (x.lease) {
    return_link(x, reusable);
  }
  end_response(x);
}

}  // namespace

Task<void> write_response(Exchange& x) {
  if (x.reply.status != 0) {
    return write_local(x);
  }
  if (x.fault == Fault::None) {
    return write_forwarded(x);
  }
  return {};
}

}  // namespace keepsake
