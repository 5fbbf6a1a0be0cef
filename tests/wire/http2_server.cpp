#include "wire/http2_server.hpp"

#include <optional>
#include <stdexcept>

namespace keepsake::test {

Http2Server::Http2Server(Link link, const Settings& entries, bool greets) : link_(std::move(link)) {
  if (link_.read_exactly(http2::kPreface.size()) != http2::kPreface) {
    throw std::runtime_error{"no preface"};
  }
  if (greets) {
    greet(entries);
  }
}

void Http2Server::greet(const Settings& entries) {
  send(http2::settings(entries) + http2::settings_ack());
}

void Http2Server::answer(std::uint32_t stream, std::string_view body, http2::Fields more) {
  http2::Fields head{{":status", "200"}};
  head.insert(head.end(), more.begin(), more.end());
  std::string frames = http2::headers(stream, head, false);
  for (; body.size() > kFrame; body.remove_prefix(kFrame)) {
    frames += http2::data(stream, body.substr(0, kFrame), false);
  }
  send(frames + http2::data(stream, body));
}

std::uint32_t Http2Server::accept() {
  until([this] { return accepted_ < opened_.size(); });
  return opened_[accepted_++];
}

Http2Server::Request& Http2Server::finish(std::uint32_t stream) {
  until([&] { return at(stream).ended || at(stream).reset; });
  return at(stream);
}

void Http2Server::read_what_is_there() {
  while (link_.readable()) {
    read();
  }
}

void Http2Server::read() {
  std::string bytes = link_.read_exactly(9);  // a frame's head
  const auto byte = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const std::size_t size = (std::size_t{byte(0)} << 16U) | (std::size_t{byte(1)} << 8U) | byte(2);
  bytes += link_.read_exactly(size);
  reader_.feed(bytes);
  while (const std::optional<http2::Frame> frame = reader_.next()) {
    take(*frame);
  }
}

void Http2Server::take(const http2::Frame& frame) {
  Request& request = requests_[frame.stream];
  switch (frame.type) {
    case http2::kHeaders:
      request.head = reader_.decode(frame);
      opened_.push_back(frame.stream);
      break;
    case http2::kData:
      request.body += frame.payload;
      if (gives_credit_ && !frame.payload.empty()) {
        const auto size = static_cast<std::uint32_t>(frame.payload.size());
        send(http2::window_update(0, size) +
             (frame.end_stream() ? "" : http2::window_update(frame.stream, size)));
      }
      break;
    case http2::kRst:
      request.reset = true;
      request.code = frame.u32();
      break;
    case http2::kWindowUpdate:
      request.credit += frame.u32();
      break;
    case http2::kPing:
      ++pings_;
      if (answers_pings_) {
        send(http2::frame(http2::kPing, http2::kAck, 0, frame.payload));
      }
      break;
    case http2::kGoaway:
      goaway_ = true;
      break;
    default:
      break;
  }
  request.ended = request.ended || frame.end_stream();
}

}  // namespace keepsake::test
