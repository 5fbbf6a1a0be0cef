#include "http2/backend_stream_state.hpp"

#include <algorithm>
#include <cstring>

namespace keepsake {

namespace {

// How much of `data` went into `to`.
std::size_t put(Buffer& to, std::string_view data) {
  const std::size_t size = std::min(data.size(), to.space_size());
  std::memcpy(to.space(), data.data(), size);
  to.commit(size);
  return size;
}

}  // namespace

// The owner may use its memory for one stream after the other.
void BackendStreamState::begin() {
  id = code = 0;
  fault = Fault::None;
  why = "";
  answered = ended = closed = refused = false;
  trailers.clear();
  taken = 0;
  listed_ = has_final_head_ = false;
  unreturned_ = 0;
  piece_ = {};
  last_ = head_submitted_ = reset_ = reset_by_peer_ = deferred_ = finished_ = false;
  more_.clear();
}

// False when there is no room, which a peer within its window cannot bring about.
bool BackendStreamState::append_body(std::string_view data) {
  if (more_.empty()) {
    data.remove_prefix(put(*in, data));
  }
  while (!data.empty()) {
    if (more_.empty() || more_.back().space_size() == 0) {
      if (blocks == nullptr) {
        return false;
      }
      more_.emplace_back(*blocks);
    }
    data.remove_prefix(put(more_.back(), data));
  }
  return true;
}

std::size_t BackendStreamState::buffered() const {
  std::size_t size = in->size();
  for (const Buffer& block : more_) {
    size += block.size();
  }
  return size;
}

void BackendStreamState::refill() {
  in->compact();
  while (!more_.empty()) {
    Buffer& block = more_.front();
    block.consume(put(*in, block.bytes()));
    if (!block.empty()) {
      return;
    }
    more_.erase(more_.begin());
  }
}

}  // namespace keepsake
