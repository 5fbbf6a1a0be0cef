#include "exchange/trace_request.hpp"

#include "exchange/services.hpp"

namespace keepsake {

namespace {

// A trace that begins here is one that is kept: its id is in our log. Whoever samples by the flag
// records it then; flags 0 would tell every backend to record nothing (Trace Context 3.2.2.5).
constexpr std::uint8_t kSampled = 1;

// The one valid traceparent; a second one makes all of them worthless (3.4).
std::optional<TraceParent> given_trace(const RequestHead& head) {
  std::optional<TraceParent> trace;
  unsigned count = 0;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Traceparent && !field.drop) {
      trace = parse_traceparent(field.value);
      ++count;
    }
  }
  return count == 1 ? trace : std::nullopt;
}

void drop(RequestHead& head, FieldId id) {
  for (Field& field : head.fields) {
    field.drop = field.drop || field.id == id;
  }
}

}  // namespace

void trace_request(Exchange& x) {
  if (x.trace) {
    return;
  }
  RequestHead& head = x.work.request;
  std::optional<TraceParent> trace;
  if (x.head_read && head.has(FieldId::Traceparent)) {
    trace = given_trace(head);
    drop(head, FieldId::Traceparent);
  }
  if (!trace) {
    trace.emplace();
    x.services.random().fill(trace->trace_id);
    trace->flags = kSampled;
    if (x.head_read && head.has(FieldId::Tracestate)) {
      drop(head, FieldId::Tracestate);
    }
  }
  x.services.random().fill(trace->parent_id);
  x.trace = trace;
}

void append_trace_line(const Exchange& x, std::string& out) {
  out.append("traceparent: ");
  append_traceparent(*x.trace, out);
  out.append("\r\n");
}

std::string_view trace_id(Exchange& x) {
  if (!x.view->config().traceparent) {
    return {};
  }
  trace_request(x);
  std::string& text = x.work.scratch;
  text.clear();
  append_request_id(x.trace->trace_id, text);
  return text;
}

}  // namespace keepsake
