#include "backend/health_probe.hpp"

#include <fmt/format.h>

#include "backend/http2_probe.hpp"
#include "backend/server_authority.hpp"
#include "http/head.hpp"
#include "io/tls.hpp"

namespace keepsake {

namespace {

constexpr HeadLimits kLimits{15 * 1024, 200, 0};

// To the first address that takes the link; empty when there is one.
Task<std::string> connect(ProbeContext context, ProbeTarget& target, std::unique_ptr<Stream>& link,
                          SteadyTime deadline) {
  std::string why = "its name does not resolve";
  const std::vector<Endpoint> order = target.addresses.order(context.streams.now());
  for (const Endpoint& endpoint : order) {
    link = std::make_unique<Stream>(context.io, context.streams);
    const error_code error = co_await link->connect(endpoint, deadline);
    if (!error) {
      target.addresses.worked(endpoint);
      co_return std::string{};
    }
    why = "cannot connect: " + error.message();
    if (error == asio::error::timed_out || link->interrupted()) {
      // The next check begins with another address.
      target.addresses.failed(endpoint, context.streams.now() + 2 * target.check.interval);
      break;
    }
  }
  co_return why;
}

// Reads heads until the final one.
Task<std::string> read_answer(ProbeContext context, Stream& link, SteadyTime deadline) {
  static const FieldTable names;
  Buffer in{context.buffers};
  ResponseHead head;
  head.reset(kLimits.fields);
  while (true) {
    if (!in.empty()) {
      const HeadStatus status = parse_response_head(in.bytes(), kLimits, names, head);
      if (status == HeadStatus::Ok && head.status >= 200) {
        co_return judge_status(head.status);
      }
      if (status == HeadStatus::Ok) {
        in.consume(head.size);
        in.compact();
        head.reset(kLimits.fields);
        continue;
      }
      if (status != HeadStatus::NeedMore) {
        co_return std::string{"its answer is no HTTP response"};
      }
    }
    const IoResult read = co_await link.read_some(in.space(), in.space_size(), deadline);
    if (read.status != IoStatus::Ok) {
      co_return text_of(read.status);
    }
    in.commit(read.bytes);
  }
}

}  // namespace

std::string text_of(IoStatus status) {
  switch (status) {
    case IoStatus::TimedOut:
      return "no answer in time";
    case IoStatus::End:
      return "it closed the connection without an answer";
    default:
      return "the connection broke";
  }
}

std::string judge_status(unsigned status) {
  return status < 300 ? std::string{} : fmt::format("it answered {}", status);
}

std::string probe_request(const BackendConfig& backend, const ServerConfig& server) {
  std::string host = backend.host.literal;
  if (backend.host.mode != HostHeader::Mode::Literal) {
    host.clear();
    append_server_authority(server, host);
  }
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: keepsake-health-check\r\nAccept: */*\r\n"
      "Connection: close\r\n\r\n",
      backend.health_check->path, host);
}

Task<std::string> probe(ProbeContext context, ProbeTarget& target) {
  std::unique_ptr<Stream> link;
  const SteadyTime deadline = context.streams.now() + target.check.timeout;
  std::string why = co_await connect(context, target, link, deadline);
  if (why.empty() && target.tls.wanted()) {
    std::string failure;
    const error_code error = co_await target.tls.secure(*link, deadline, nullptr, failure);
    if (error) {
      why = "TLS: " + (failure.empty() ? error.message() : failure);
    } else if (target.http2 && !link->tls()->speaks_http2()) {
      why = "TLS: the server does not choose h2 (ALPN)";
    }
  }
  if (why.empty() && target.http2) {
    why = co_await probe_http2(context, target, *link, deadline);
  } else if (why.empty()) {
    const IoStatus written = co_await link->write(target.check.timeout, target.request);
    if (written == IoStatus::Ok) {
      why = co_await read_answer(context, *link, deadline);
    } else {
      why = text_of(written);
    }
  }
  co_return why;
}

}  // namespace keepsake
