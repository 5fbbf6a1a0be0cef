#include "http/websocket_frames.hpp"

#include <algorithm>

namespace keepsake {

namespace {

constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kControl = 0x08;  // opcodes from here on
constexpr std::uint8_t kClose = 0x08;

std::array<std::uint8_t, 2> bytes_of(CloseCode code) {
  const auto number = static_cast<std::uint16_t>(code);
  return {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number & 0xffU)};
}

std::size_t header_size(const std::array<std::uint8_t, 14>& header) {
  const unsigned length = header[1] & 0x7fU;
  return 2U +
         (length == 126   ? 2U
          : length == 127 ? 8U
                          : 0U) +
         ((header[1] & kMasked) != 0 ? 4U : 0U);
}

}  // namespace

std::size_t FrameTracker::follow(std::string_view data, bool to_boundary) {
  std::size_t at = 0;
  while (at < data.size() && !lost_) {
    if (payload_left_ == 0) {
      header_[header_size_++] = static_cast<std::uint8_t>(data[at++]);
      if (header_size_ < 2 || header_size_ < header_size(header_)) {
        continue;
      }
      read_header();
    } else {
      const std::uint64_t taken = std::min<std::uint64_t>(payload_left_, data.size() - at);
      payload_left_ -= taken;
      message_ = message_ || in_message_;
      at += static_cast<std::size_t>(taken);
    }
    if (at_boundary()) {
      closed_ = closed_ || closing_;
      if (to_boundary) {
        return at;
      }
    }
  }
  return lost_ ? data.size() : at;
}

void FrameTracker::read_header() {
  const std::uint8_t opcode = header_[0] & kOpcode;
  std::uint64_t length = header_[1] & 0x7fU;
  if (length >= 126) {
    const std::size_t bytes = length == 126 ? 2 : 8;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      length = length << 8U | header_[2 + i];
    }
  }
  const bool masked = (header_[1] & kMasked) != 0;
  const bool control = opcode >= kControl;
  lost_ = masked != (from_ == From::Client) || length >> 63U != 0 ||
          (control && (length > 125 || (header_[0] & kFinal) == 0));
  closing_ = opcode == kClose;
  in_message_ = !control && !lost_;
  message_ = message_ || in_message_;
  payload_left_ = length;
  header_size_ = 0;
}

std::string close_frame_of_server(CloseCode code) {
  const std::array<std::uint8_t, 2> reason = bytes_of(code);
  std::string frame;
  frame.push_back(static_cast<char>(kFinal | kClose));
  frame.push_back(static_cast<char>(reason.size()));
  frame.append(reason.begin(), reason.end());
  return frame;
}

std::string close_frame_of_client(CloseCode code, const std::array<std::uint8_t, 4>& mask) {
  const std::array<std::uint8_t, 2> reason = bytes_of(code);
  std::string frame;
  frame.push_back(static_cast<char>(kFinal | kClose));
  frame.push_back(static_cast<char>(kMasked | reason.size()));
  frame.append(mask.begin(), mask.end());
  for (std::size_t i = 0; i < reason.size(); ++i) {
    frame.push_back(static_cast<char>(reason[i] ^ mask[i]));
  }
  return frame;
}

}  // namespace keepsake
