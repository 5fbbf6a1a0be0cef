#include "http2/counts.hpp"

#include "http2/backend_counts.hpp"

namespace keepsake {

namespace {

void add_codes(const CodeTally& from, Http2Figures::Codes& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += from.get(static_cast<Http2Code>(i));
  }
}

}  // namespace

void Http2Figures::add(const Http2Counts& counts) {
  add_codes(counts.resets_received, resets_received);
  add_codes(counts.resets_sent, resets_sent);
  add_codes(counts.goaways_received, goaways_received);
  add_codes(counts.goaways_sent, goaways_sent);
  for (std::size_t i = 0; i < floods.size(); ++i) {
    floods[i] += counts.floods[i].get();
  }
  connections_ended += counts.connections_ended.get();  // before those that have begun, like ended
  connections += counts.connections.get();
  request_text += counts.request_text.get();
  request_blocks += counts.request_blocks.get();
  response_text += counts.response_text.get();
  response_blocks += counts.response_blocks.get();
  ended += counts.ended.get();  // before those that have begun: never more than them
  streams += counts.streams.get();
}

void Http2BackendFigures::add(const Http2BackendCounts& counts) {
  connections += counts.connections.get();
  streams += counts.streams.get();
  pings_unanswered += counts.pings_unanswered.get();
  add_codes(counts.resets_received, resets_received);
  add_codes(counts.resets_sent, resets_sent);
  add_codes(counts.goaways_received, goaways_received);
}

}  // namespace keepsake
