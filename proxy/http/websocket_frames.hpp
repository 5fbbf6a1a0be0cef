#pragma once
// Where one frame of a WebSocket ends and the next begins (RFC 6455 5.2), for whoever relays bytes
// and must put a Close between two frames. Looks at headers only; keeps nothing of what is sent.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace keepsake {

// One direction of one connection.
class FrameTracker {
 public:
  enum class From : std::uint8_t { Client, Server };  // clients mask, servers do not
  explicit FrameTracker(From from) : from_(from) {}

  // Follows `data`, the next bytes. Returns how many of them were followed: all, or with
  // `to_boundary` those up to the end of the frame in progress.
  std::size_t follow(std::string_view data, bool to_boundary = false);

  // Between two frames. Never again true once the bytes were no frames.
  bool at_boundary() const { return !lost_ && header_size_ == 0 && payload_left_ == 0; }
  // A whole Close has passed.
  bool closed() const { return closed_; }
  // Whether a part of a message, text or binary, has come since this was asked last.
  bool took_message() { return std::exchange(message_, false); }

 private:
  void read_header();

  From from_;
  bool lost_ = false;
  bool closing_ = false;  // the frame in progress is a Close
  bool closed_ = false;
  bool in_message_ = false;  // the frame in progress is no control frame
  bool message_ = false;
  std::size_t header_size_ = 0;
  std::uint64_t payload_left_ = 0;
  std::array<std::uint8_t, 14> header_{};
};

// RFC 6455 7.4.1.
enum class CloseCode : std::uint16_t { GoingAway = 1001, PolicyViolation = 1008 };

// A Close. A client's is masked with `mask`.
std::string close_frame_of_server(CloseCode code);
std::string close_frame_of_client(CloseCode code, const std::array<std::uint8_t, 4>& mask);

}  // namespace keepsake
