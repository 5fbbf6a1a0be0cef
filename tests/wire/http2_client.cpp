#include "wire/http2_client.hpp"

#include <stdexcept>

namespace keepsake::test {

Http2Client::Answer& Http2Client::finish(std::uint32_t stream) {
  until([&] { return at(stream).ended || at(stream).reset; });
  return at(stream);
}

void Http2Client::read() {
  std::string bytes = link_.read_exactly(9);  // a frame's head
  const auto byte = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const std::size_t size = (std::size_t{byte(0)} << 16U) | (std::size_t{byte(1)} << 8U) | byte(2);
  bytes += link_.read_exactly(size);
  reader_.feed(bytes);
  while (const std::optional<http2::Frame> frame = reader_.next()) {
    take(*frame);
  }
}

void Http2Client::take(const http2::Frame& frame) {
  Answer& answer = answers_[frame.stream];
  switch (frame.type) {
    case http2::kHeaders: {
      http2::Fields fields = reader_.decode(frame);
      if (http2::value_of(fields, ":status").starts_with("1")) {
        answer.interim.push_back(std::move(fields));
      } else if (answer.head.empty()) {
        answer.head = std::move(fields);
      } else {
        answer.trailers = std::move(fields);
      }
      break;
    }
    case http2::kData:
      answer.body += frame.payload;
      if (gives_credit_ && !frame.payload.empty()) {
        const auto size = static_cast<std::uint32_t>(frame.payload.size());
        send(http2::window_update(0, size) + http2::window_update(frame.stream, size));
      }
      break;
    case http2::kRst:
      answer.reset = true;
      answer.code = frame.u32();
      break;
    case http2::kWindowUpdate:
      answer.credit += frame.u32();
      break;
    case http2::kGoaway:
      goaway_ = true;
      goaway_code_ = frame.u32(4);
      break;
    default:
      break;
  }
  answer.ended = answer.ended || frame.end_stream();
}

}  // namespace keepsake::test
