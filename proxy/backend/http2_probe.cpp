#include "backend/http2_probe.hpp"

#include "http2/backend_session.hpp"

namespace keepsake {

namespace {

constexpr HeadLimits kProbeLimits{15 * 1024, 200, 0};

// Of one check; nothing in it is kept.
struct Conversation {
  Conversation(BufferPool& buffers, SteadyTime now)
      : in(buffers), session(memory, counts, kProbeLimits.bytes, now) {
    stream.in = &in;
    stream.blocks = &buffers;
    stream.limits = kProbeLimits;
  }
  ~Conversation() { session.lose(""); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  Http2Memory memory;
  Http2BackendCounts counts;
  Buffer in;
  BackendStreamState stream;
  BackendSession session;
  std::string output;
};

// Whether a final head is in the buffer; interim ones are taken off.
bool find_answer(Conversation& talk, unsigned& status) {
  static const FieldTable names;
  ResponseHead head;
  while (!talk.in.empty()) {
    head.reset(kProbeLimits.fields);
    if (parse_response_head(talk.in.bytes(), kProbeLimits, names, head) != HeadStatus::Ok) {
      return false;
    }
    status = head.status;
    if (status >= 200) {
      return true;
    }
    talk.in.consume(head.size);
  }
  return false;
}

Task<std::string> write_all(Conversation& talk, Stream& link, Millis timeout) {
  while (talk.session.take_output(talk.output)) {
    const IoStatus written = co_await link.write(timeout, talk.output);
    if (written != IoStatus::Ok) {
      co_return text_of(written);
    }
  }
  co_return std::string{};
}

Task<std::string> read_once(Conversation& talk, Stream& link, BufferPool& buffers,
                            SteadyTime deadline) {
  Buffer bytes{buffers};
  const IoResult read = co_await link.read_some(bytes.space(), bytes.space_size(), deadline);
  if (read.status != IoStatus::Ok) {
    co_return text_of(read.status);
  }
  talk.session.feed({bytes.space(), read.bytes});
  co_return std::string{};
}

}  // namespace

Task<std::string> probe_http2(ProbeContext context, const ProbeTarget& target, Stream& link,
                              SteadyTime deadline) {
  const auto talk = std::make_unique<Conversation>(context.buffers, context.streams.now());
  bool asked = false;
  unsigned status = 0;
  std::string why;
  while (why.empty()) {
    if (!asked && talk->session.ready()) {
      std::string request = target.request;
      asked = true;
      if (!talk->session.open(talk->stream, request, target.tls.wanted(), {}, true)) {
        co_return std::string{"it takes no HTTP/2 requests"};
      }
    }
    why = co_await write_all(*talk, link, target.check.timeout);
    if (!why.empty() || find_answer(*talk, status)) {
      break;
    }
    if (talk->session.over() != BackendSession::Over::No) {
      co_return "it speaks no HTTP/2: " + std::string{talk->session.reason()};
    }
    if (asked && (talk->stream.fault != Fault::None || talk->stream.closed)) {
      co_return std::string{"its answer is no HTTP response"};
    }
    why = co_await read_once(*talk, link, context.buffers, deadline);
  }
  co_return why.empty() ? judge_status(status) : why;
}

}  // namespace keepsake
