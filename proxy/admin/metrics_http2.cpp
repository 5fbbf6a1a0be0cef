#include "admin/metrics_http2.hpp"

namespace keepsake {

namespace {

void write_codes(std::string_view by, const Http2Figures::Codes& codes, MetricsWriter& out) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    out.sample(
        metric_label("by", by) + "," + metric_label("code", describe(static_cast<Http2Code>(i))),
        codes[i]);
  }
}

// Of connections to backends.
void write_to_backends(const Http2BackendFigures& figures, MetricsWriter& out) {
  out.single("keepsake_http2_backend_connections_total", "HTTP/2 connections to backends.",
             figures.connections);
  out.single("keepsake_http2_backend_streams_total", "Requests to backends over HTTP/2.",
             figures.streams);
  out.single("keepsake_http2_backend_pings_unanswered_total",
             "Idle HTTP/2 connections to backends that were given up without an answer to a PING.",
             figures.pings_unanswered);
  out.begin("keepsake_http2_backend_resets_total",
            "RST_STREAM between Keepsake and backends, by sender and error code.");
  write_codes("backend", figures.resets_received, out);
  write_codes("keepsake", figures.resets_sent, out);
  out.begin("keepsake_http2_backend_goaways_total", "GOAWAY of backends, by error code.");
  write_codes("backend", figures.goaways_received, out);
}

}  // namespace

void write_http2(const Server& server, MetricsWriter& out) {
  const Http2Figures figures = server.http2();
  out.single("keepsake_http2_connections_total", "Connections that spoke HTTP/2.",
             figures.connections);
  out.single("keepsake_http2_connections_open", "Those of them that are open.",
             figures.connections - figures.connections_ended);
  out.single("keepsake_http2_streams_total", "HTTP/2 streams that clients opened.",
             figures.streams);
  out.single("keepsake_http2_streams_open", "Those of them whose exchanges have not ended.",
             figures.streams - figures.ended);
  out.begin("keepsake_http2_head_bytes_total",
            "Bytes of heads, as text and as HPACK made of them.");
  const auto heads = [&out](std::string_view of, std::uint64_t text, std::uint64_t sent) {
    out.sample(metric_label("of", of) + "," + metric_label("form", "text"), text);
    out.sample(metric_label("of", of) + "," + metric_label("form", "hpack"), sent);
  };
  heads("requests", figures.request_text, figures.request_blocks);
  heads("responses", figures.response_text, figures.response_blocks);
  out.begin("keepsake_http2_resets_total", "RST_STREAM, by sender and error code.");
  write_codes("client", figures.resets_received, out);
  write_codes("keepsake", figures.resets_sent, out);
  out.begin("keepsake_http2_goaways_total", "GOAWAY, by sender and error code.");
  write_codes("client", figures.goaways_received, out);
  write_codes("keepsake", figures.goaways_sent, out);
  out.begin("keepsake_http2_floods_total", "HTTP/2 connections that a flood ended, by its kind.");
  for (std::size_t i = 1; i < figures.floods.size(); ++i) {
    out.sample(metric_label("kind", describe(static_cast<Flood>(i))), figures.floods[i]);
  }
  write_to_backends(server.http2_to_backends(), out);
}

}  // namespace keepsake
