#include "http2/stream_state.hpp"

#include <algorithm>
#include <cstring>

namespace keepsake {

namespace {

// How much of `data` went into `to`.
std::size_t append(Buffer& to, std::string_view data) {
  const std::size_t size = std::min(data.size(), to.space_size());
  std::memcpy(to.space(), data.data(), size);
  to.commit(size);
  return size;
}

}  // namespace

// The owner may use its memory for one stream after the other.
void Http2StreamState::begin(std::uint32_t stream_id, std::uint32_t window) {
  id = stream_id;
  fault = Fault::None;
  why = "";
  websocket = ended = closed = gone = reset_by_peer = false;
  code = 0;
  received = taken = 0;
  news_ = {};
  listed_ = head_waits_ = uploads_ = false;
  window_ = window;
  unreturned_ = returned_ = 0;
  piece_ = {};
  trailers_.clear();
  last_ = head_submitted_ = reset_ = deferred_ = finished_ = false;
  interims_ = 0;
  more_.clear();
}

// False when there is no room, which a peer within its window cannot bring about.
bool Http2StreamState::append_body(std::string_view data) {
  received += data.size();
  if (more_.empty()) {
    data.remove_prefix(append(*place.in, data));
  }
  while (!data.empty()) {
    if (more_.empty() || more_.back().space_size() == 0) {
      if (blocks == nullptr) {
        return false;
      }
      more_.emplace_back(*blocks);
    }
    data.remove_prefix(append(more_.back(), data));
  }
  return true;
}

std::size_t Http2StreamState::buffered() const {
  std::size_t size = place.in->size();
  for (const Buffer& block : more_) {
    size += block.size();
  }
  return size;
}

void Http2StreamState::refill() {
  place.in->compact();
  while (!more_.empty()) {
    Buffer& block = more_.front();
    block.consume(append(*place.in, block.bytes()));
    if (!block.empty()) {
      return;
    }
    more_.erase(more_.begin());
  }
}

}  // namespace keepsake
