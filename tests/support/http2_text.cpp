#include "support/http2_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "support/message.hpp"

namespace keepsake::test {

namespace {

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// "Set-Cookie" of "set-cookie".
std::string titled(std::string_view name) {
  std::string out;
  bool first = true;
  for (const char c : name) {
    out.push_back(first ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c);
    first = c == '-';
  }
  return out == "Www-Authenticate" ? "WWW-Authenticate" : out;
}

// What Keepsake says over HTTP/1.1, and the tests' backends.
std::string reason_of(const std::string& status) {
  static const std::map<std::string, std::string> kReasons{
      {"100", "Continue"},           {"103", "Early Hints"}, {"200", "OK"},
      {"204", "No Content"},         {"303", "See Other"},   {"304", "Not Modified"},
      {"400", "Bad Request"},        {"403", "Forbidden"},   {"404", "Not Found"},
      {"405", "Method Not Allowed"}, {"502", "Bad Gateway"}, {"503", "Service Unavailable"},
      {"504", "Gateway Timeout"}};
  const auto found = kReasons.find(status);
  return found == kReasons.end() ? "Reason" : found->second;
}

std::string chunk_of(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string{bytes} + "\r\n";
}

bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"connection", "keep-alive", "proxy-connection",
                                                   "transfer-encoding", "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// As browsers send their cookies (RFC 9113 8.2.3).
void add_crumbs(std::string_view value, http2::Fields& fields) {
  for (std::size_t end = value.find("; "); end != std::string_view::npos; end = value.find("; ")) {
    fields.emplace_back("cookie", value.substr(0, end));
    value.remove_prefix(end + 2);
  }
  fields.emplace_back("cookie", value);
}

http2::Fields fields_of(std::string_view lines) {
  http2::Fields fields;
  const Message message{"\r\n" + std::string{lines} + "\r\n", {}, {}, {}};
  for (const std::string& line : message.lines()) {
    const std::size_t colon = line.find(':');
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    const std::size_t last = line.find_last_not_of(" \t");
    const std::string value = start == std::string::npos || start > last
                                  ? std::string{}
                                  : line.substr(start, last - start + 1);
    fields.emplace_back(lower(line.substr(0, colon)), value);
  }
  return fields;
}

}  // namespace

std::string Http2Text::send(std::string_view text) {
  std::string frames = opened_ ? "" : http2::opening();
  opened_ = true;
  waiting_ += text;
  while (!waiting_.empty()) {
    std::size_t taken = 0;
    if (body_ != Body::None) {
      taken = send_body(waiting_, frames);
    } else if (const std::size_t end = waiting_.find("\r\n\r\n"); end != std::string::npos) {
      taken = end + 4;
      begin(std::string_view{waiting_}.substr(0, taken), frames);
    }
    if (taken == 0) {
      break;
    }
    waiting_.erase(0, taken);
  }
  return frames;
}

void Http2Text::begin(std::string_view head, std::string& frames) {
  const std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  if (line.substr(target_end + 1) != "HTTP/1.1" || target_end == method_end) {
    throw std::runtime_error("no request for HTTP/2: " + escaped(line));
  }
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  http2::Fields fields{{":method", std::string{line.substr(0, method_end)}},
                       {":scheme", "http"},
                       {":path", std::string{target}}};
  Stream& stream = streams_[next_];
  stream.to_head = line.starts_with("HEAD ");
  stream.asks_for_tunnel = lower(head).find("\r\nupgrade: websocket\r\n") != std::string::npos;
  body_ = Body::None;
  if (stream.asks_for_tunnel) {
    fields.front().second = "CONNECT";  // RFC 8441 4
    fields.emplace_back(":protocol", "websocket");
    body_ = Body::Tunnel;
  }
  bool has_authority = false;
  for (auto& [name, value] : fields_of(head.substr(line_end + 2, head.size() - line_end - 4))) {
    if (name == "transfer-encoding") {
      body_ = Body::Chunked;
    } else if (name == "content-length") {
      left_ = std::stoul(value);
      body_ = left_ != 0 ? Body::Length : Body::None;
    }
    stream.closes = stream.closes || (name == "connection" && lower(value) == "close");
    if (name == "host" && !has_authority) {
      has_authority = true;
      fields.insert(fields.begin(), {":authority", value});
    } else if (name == "cookie") {
      add_crumbs(value, fields);
    } else if (!is_of_connection(name) && name != "sec-websocket-key") {
      fields.emplace_back(name, value);
    }
  }
  stream_ = next_;
  next_ += 2;
  frames += http2::headers(stream_, fields, body_ == Body::None);
}

// How much of `text` it took.
std::size_t Http2Text::send_body(std::string_view text, std::string& frames) {
  constexpr std::size_t kFrame = 16'384;
  if (body_ == Body::Tunnel) {
    const std::size_t size = std::min(text.size(), kFrame);
    frames += http2::data(stream_, text.substr(0, size), false);
    return size;
  }
  if (body_ == Body::Length) {
    const std::size_t size = std::min({left_, text.size(), kFrame});
    left_ -= size;
    body_ = left_ == 0 ? Body::None : Body::Length;
    frames += http2::data(stream_, text.substr(0, size), left_ == 0);
    return size;
  }
  const std::size_t line = text.find("\r\n");
  if (line == std::string_view::npos) {
    return 0;
  }
  const std::size_t size = std::stoul(std::string{text.substr(0, line)}, nullptr, 16);
  if (size != 0) {
    if (text.size() < line + 2 + size + 2) {
      return 0;
    }
    for (std::size_t at = 0; at < size; at += kFrame) {
      frames +=
          http2::data(stream_, text.substr(line + 2 + at, std::min(kFrame, size - at)), false);
    }
    return line + 2 + size + 2;
  }
  const std::size_t end = text.find("\r\n\r\n", line);
  if (end == std::string_view::npos) {
    return 0;
  }
  body_ = Body::None;
  const http2::Fields trailers = fields_of(text.substr(line + 2, end - line));
  frames += end == line ? http2::data(stream_, "", true) : http2::headers(stream_, trailers, true);
  return end + 4;
}

std::string Http2Text::end_tunnel() {
  return std::exchange(body_, Body::None) == Body::Tunnel ? http2::data(stream_, "", true) : "";
}

void Http2Text::receive(std::string_view bytes, std::string& text, std::string& frames) {
  reader_.feed(bytes);
  while (const std::optional<http2::Frame> frame = reader_.next()) {
    take(*frame, frames);
  }
  while (!streams_.empty()) {
    Stream& first = streams_.begin()->second;
    text += std::exchange(first.text, {});
    if (!first.done) {
      return;
    }
    over_ = over_ || first.closes || first.cut;
    broken_ = broken_ || first.cut;
    streams_.erase(streams_.begin());
  }
}

void Http2Text::take_head(const http2::Frame& frame, Stream& stream) {
  const http2::Fields fields = reader_.decode(frame);
  std::string lines;
  bool has_length = false;
  for (const auto& [name, value] : fields) {
    has_length = has_length || name == "content-length";
    if (name.front() != ':') {
      lines += titled(name) + ": " + value + "\r\n";
    }
  }
  if (stream.began) {
    stream.trailers = lines;
    return;
  }
  const std::string status = http2::value_of(fields, ":status");
  stream.began = status.front() != '1';
  stream.tunnel = stream.asks_for_tunnel && status == "200";
  if (stream.tunnel) {
    stream.closes = true;
    stream.text +=
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\n" +
        lines + "\r\n";
    return;
  }
  stream.closes = stream.closes || stream.asks_for_tunnel;
  stream.chunked = stream.began && !has_length && !stream.to_head && status != "204" &&
                   status != "304" && !(frame.end_stream() && status == "205");
  if (stream.chunked) {
    lines += "Transfer-Encoding: chunked\r\n";
  }
  stream.text += "HTTP/1.1 " + status + " " + reason_of(status) + "\r\n" + lines + "\r\n";
}

void Http2Text::end(Stream& stream) {
  stream.done = true;
  if (stream.chunked) {
    stream.text += "0\r\n" + stream.trailers + "\r\n";
  }
}

void Http2Text::take(const http2::Frame& frame, std::string& frames) {
  if (frame.type == http2::kSettings || frame.type == http2::kWindowUpdate) {
    return;
  }
  if (frame.type == http2::kPing && (frame.flags & http2::kAck) == 0) {
    frames += http2::frame(http2::kPing, http2::kAck, 0, frame.payload);
    return;
  }
  if (frame.type == http2::kGoaway) {
    over_ = true;
    return;
  }
  Stream ignored;
  const auto found = streams_.find(frame.stream);
  Stream& stream = found == streams_.end() ? ignored : found->second;
  if (frame.type == http2::kHeaders) {
    take_head(frame, stream);
  } else if (frame.type == http2::kData) {
    const auto size = static_cast<std::uint32_t>(frame.payload.size());
    if (size != 0) {
      frames += http2::window_update(0, size) + http2::window_update(frame.stream, size);
      stream.text += stream.chunked ? chunk_of(frame.payload) : frame.payload;
    }
  } else if (frame.type == http2::kRst && !stream.done) {
    stream.done = stream.cut = true;
  }
  if (frame.end_stream() && !stream.done) {
    end(stream);
  }
}

}  // namespace keepsake::test
