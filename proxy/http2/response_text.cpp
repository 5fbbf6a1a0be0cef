#include "http2/response_text.hpp"

#include <cstring>

#include "http/chars.hpp"
#include "http/error_page.hpp"
#include "http2/field_rules.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

// A value that could end its line would begin another.
bool is_one_line(std::string_view value) {
  return value.find_first_of("\r\n\0"sv) == std::string_view::npos;
}

bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void ResponseText::begin(Buffer& in, const HeadLimits& limits, const std::string* accept) {
  in_ = &in;
  accept_ = accept;
  limits_ = &limits;
  size_ = lines_ = 0;
  status_ = 0;
  fault_ = Fault::None;
  why_ = "";
}

void ResponseText::fail(Fault fault, const char* why) {
  if (fault_ == Fault::None) {
    fault_ = fault;
    why_ = why;
  }
}

void ResponseText::append(std::string_view text) {
  if (size_ + text.size() > limits_->bytes || size_ + text.size() > in_->space_size()) {
    fail(Fault::BackendHeadTooLarge, "head too large");
    return;
  }
  std::memcpy(in_->space() + size_, text.data(), text.size());
  size_ += text.size();
}

void ResponseText::add_status(std::string_view value) {
  if (status_ != 0 || size_ != 0 || value.size() != 3 || !is_decimal(value[0]) ||
      !is_decimal(value[1]) || !is_decimal(value[2]) || value[0] == '0') {
    fail(Fault::BackendBadResponse, "malformed :status");
    return;
  }
  status_ =
      static_cast<unsigned>((value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0'));
  if (opens_tunnel()) {
    append("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"sv);
    append("Sec-WebSocket-Accept: "sv);
    append(*accept_);
    append("\r\n"sv);
    return;
  }
  append("HTTP/1.1 "sv);
  append(value);
  append(" "sv);
  const std::string_view reason = reason_phrase(status_);
  append(reason == "Error"sv ? ""sv : reason);  // of a status without a name
  append("\r\n"sv);
}

void ResponseText::add(std::string_view name, std::string_view value) {
  if (fault_ != Fault::None) {
    return;
  }
  if (name == ":status"sv) {
    add_status(value);
    return;
  }
  if (status_ == 0) {
    fail(Fault::BackendBadResponse, "no :status");
  } else if (!is_field_name(name) || !is_one_line(value)) {
    fail(Fault::BackendBadResponse, "malformed field");
  } else if (is_connection_specific(name)) {
    fail(Fault::BackendBadResponse, "connection-specific field");
  } else if (opens_tunnel() && (name == "content-length"sv || name == "sec-websocket-accept"sv)) {
    return;  // means nothing here
  } else if (++lines_ > limits_->fields) {
    fail(Fault::BackendHeadTooLarge, "too many header lines");
  } else {
    append(name);
    append(": "sv);
    append(value);
    append("\r\n"sv);
  }
}

Fault ResponseText::finish() {
  if (status_ == 0) {
    fail(Fault::BackendBadResponse, "no :status");
  }
  append("\r\n"sv);
  if (fault_ == Fault::None) {
    in_->commit(size_);
  }
  return fault_;
}

bool append_trailer(std::string_view name, std::string_view value, const HeadLimits& limits,
                    std::string& lines) {
  constexpr std::size_t kAround = 4;
  if (!is_field_name(name) || !is_one_line(value) || is_connection_specific(name) ||
      name == "content-length"sv ||
      lines.size() + name.size() + value.size() + kAround > limits.bytes) {
    return false;
  }
  lines.append(name).append(": "sv).append(value).append("\r\n"sv);
  return true;
}

}  // namespace keepsake
