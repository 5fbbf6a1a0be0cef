#include "http2/request_text.hpp"

#include <cstring>

#include "http/chars.hpp"
#include "http2/field_rules.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

enum Pseudo : unsigned {
  kMethod = 1U << 0U,
  kScheme = 1U << 1U,
  kAuthority = 1U << 2U,
  kPath = 1U << 3U,
  kProtocol = 1U << 4U,
};

Fault fault_of(HeadStatus status) {
  switch (status) {
    case HeadStatus::TargetTooLong:
      return Fault::TargetTooLong;
    case HeadStatus::TooLarge:
      return Fault::HeadTooLarge;
    default:
      return Fault::BadRequest;
  }
}

}  // namespace

void RequestText::begin(const RequestPlace& place) {
  place_ = place;
  method_.clear();
  scheme_.clear();
  authority_.clear();
  path_.clear();
  protocol_.clear();
  cookie_.clear();
  seen_ = 0;
  size_ = start_size_ = 0;
  lines_ = crumbs_ = 0;
  lines_begun_ = has_priority_ = false;
  fault_ = Fault::None;
  why_ = "";
}

void RequestText::fail(Fault fault, const char* why) {
  if (fault_ == Fault::None) {
    fault_ = fault;
    why_ = why;
  }
}

void RequestText::add(std::string_view name, std::string_view value) {
  if (fault_ != Fault::None) {
    return;
  }
  if (!name.empty() && name.front() == ':') {
    add_pseudo(name, value);
    return;
  }
  if (!is_field_name(name)) {
    fail(Fault::BadRequest, "malformed field name");
    return;
  }
  if (is_connection_specific(name)) {
    fail(Fault::BadRequest, "connection-specific field");
    return;
  }
  if (!lines_begun_) {
    begin_lines();
  }
  if (name == "cookie"sv) {
    add_crumb(value);
  } else if (websocket() && name == "sec-websocket-key"sv) {
    return;  // of the other handshake: the backend gets Keepsake's own
  } else if (name == "te"sv && !equals_lower(value, "trailers"sv)) {
    fail(Fault::BadRequest, "te other than trailers");
  } else if (name == "host"sv && (seen_ & kAuthority) != 0) {
    // The line is there already; another name would be a second opinion (RFC 9113 8.3.1).
    if (!equals_ignoring_case(value, authority_)) {
      fail(Fault::BadHost, ":authority and host differ");
    }
  } else {
    has_priority_ = has_priority_ || name == "priority"sv;
    append_line(name, value);
  }
}

void RequestText::add_pseudo(std::string_view name, std::string_view value) {
  struct Known {
    std::string_view name;
    unsigned bit;
    std::string RequestText::* text;
  };
  static constexpr Known kKnown[] = {
      {":method"sv, kMethod, &RequestText::method_},
      {":path"sv, kPath, &RequestText::path_},
      {":scheme"sv, kScheme, &RequestText::scheme_},
      {":authority"sv, kAuthority, &RequestText::authority_},
      {":protocol"sv, kProtocol, &RequestText::protocol_},
  };
  if (lines_begun_) {
    fail(Fault::BadRequest, "pseudo-field after a regular one");
    return;
  }
  for (const Known& known : kKnown) {
    if (name == known.name) {
      if ((seen_ & known.bit) != 0) {
        fail(Fault::BadRequest, "pseudo-field twice");
      } else if (value.size() > place_.limits->bytes) {
        known.bit == kPath ? fail(Fault::TargetTooLong, "request target too long")
                           : fail(Fault::HeadTooLarge, "head too large");
      }
      seen_ |= known.bit;
      (this->*known.text).assign(value.substr(0, place_.limits->bytes + 1));
      return;
    }
  }
  fail(Fault::BadRequest, "unknown pseudo-field");
}

// All cookies as one line, as they came (RFC 9113 8.2.3).
void RequestText::add_crumb(std::string_view value) {
  if (++crumbs_ > kMostCrumbs) {
    fail(Fault::HeadTooLarge, "too many cookie fields");
  } else if (cookie_.size() + value.size() > place_.limits->bytes) {
    fail(Fault::HeadTooLarge, "head too large");
  } else {
    if (crumbs_ > 1) {
      cookie_.append("; "sv);
    }
    cookie_.append(value);
  }
}

void RequestText::append(std::string_view text) {
  if (size_ + text.size() > place_.limits->bytes || size_ + text.size() > place_.in->space_size()) {
    fail(Fault::HeadTooLarge, "head too large");
    return;
  }
  std::memcpy(place_.in->space() + size_, text.data(), text.size());
  size_ += text.size();
}

void RequestText::append_line(std::string_view name, std::string_view value) {
  const std::size_t size = name.size() + value.size() + 4;
  if (size_ + size > place_.limits->bytes || size_ + size > place_.in->space_size()) {
    fail(Fault::HeadTooLarge, "head too large");
    return;
  }
  if (++lines_ > place_.limits->fields) {
    fail(Fault::HeadTooLarge, "too many header lines");
    return;
  }
  char* p = place_.in->space() + size_;
  std::memcpy(p, name.data(), name.size());
  p += name.size();
  std::memcpy(p, ": ", 2);
  std::memcpy(p + 2, value.data(), value.size());
  std::memcpy(p + 2 + value.size(), "\r\n", 2);
  size_ += size;
}

// What the pseudo-fields have to be together (RFC 9113 8.3.1, 8.5; RFC 8441 4).
Fault RequestText::judge_pseudo() {
  const bool connect = method_ == "CONNECT"sv;
  if ((seen_ & kMethod) == 0) {
    why_ = "no :method";
    return Fault::BadRequest;
  }
  if (connect && (seen_ & kProtocol) == 0) {
    why_ = "malformed CONNECT";
    return (seen_ & (kScheme | kPath)) == 0 && !authority_.empty() ? Fault::None
                                                                   : Fault::BadRequest;
  }
  if ((seen_ & kScheme) == 0 || (seen_ & kPath) == 0) {
    why_ = "no :scheme or no :path";
    return Fault::BadRequest;
  }
  // Whatever the connection is: a balancer may have ended the client's TLS.
  if (!equals_lower(scheme_, "https"sv) && !equals_lower(scheme_, "http"sv)) {
    why_ = "unknown :scheme";
    return Fault::BadRequest;
  }
  if ((seen_ & kAuthority) != 0 && authority_.empty()) {
    why_ = "empty :authority";
    return Fault::BadHost;
  }
  if (path_.empty() || (path_.front() != '/' && !(path_ == "*"sv && method_ == "OPTIONS"sv))) {
    why_ = "malformed :path";
    return Fault::BadRequest;
  }
  if ((seen_ & kProtocol) != 0) {
    if (!connect || authority_.empty()) {
      why_ = ":protocol without CONNECT or without :authority";
      return Fault::BadRequest;
    }
    if (protocol_ != "websocket"sv) {
      why_ = "unknown :protocol";
      return Fault::UnknownCoding;
    }
  }
  return Fault::None;
}

// The start line and the Host line.
void RequestText::begin_lines() {
  lines_begun_ = true;
  if (const Fault fault = judge_pseudo(); fault != Fault::None) {
    fault_ = fault;
    return;
  }
  const bool tunnel = (seen_ & kProtocol) != 0;
  append(tunnel ? "GET"sv : std::string_view{method_});
  append(" "sv);
  append((seen_ & kPath) != 0 ? path_ : authority_);
  append(" HTTP/1.1\r\n"sv);
  start_size_ = size_;
  if ((seen_ & kAuthority) != 0) {
    append_line("Host"sv, authority_);
  }
}

Fault RequestText::finish(std::string_view websocket_key) {
  if (!lines_begun_ && fault_ == Fault::None) {
    begin_lines();
  }
  if (websocket() && fault_ == Fault::None) {
    append_line("Connection"sv, "Upgrade"sv);
    append_line("Upgrade"sv, "websocket"sv);
    append_line("Sec-WebSocket-Key"sv, websocket_key);
  }
  if (crumbs_ != 0 && fault_ == Fault::None) {
    append_line("Cookie"sv, cookie_);
  }
  append("\r\n"sv);
  if (fault_ == Fault::None) {
    fault_ = parse();
  }
  if (fault_ != Fault::None) {
    keep_start_line();
  }
  return fault_;
}

// Each field must have become one line, and the pseudo-fields the start line: a byte that ends a
// line or a word earlier is an attempt to say more than one thing.
Fault RequestText::parse() {
  RequestHead& head = *place_.head;
  head.reset(place_.limits->fields);
  const std::string_view text{place_.in->space(), size_};
  const HeadStatus status = parse_request_head(text, *place_.limits, *place_.names, head);
  why_ = head.why;
  if (status != HeadStatus::Ok) {
    return fault_of(status);
  }
  const bool tunnel = (seen_ & kProtocol) != 0;
  const std::string_view target = (seen_ & kPath) != 0 ? path_ : authority_;
  if (head.size != size_ || head.fields.size() != lines_ || head.target != target ||
      (!tunnel && head.method_text != method_)) {
    why_ = "a field of several lines";
    return Fault::BadRequest;
  }
  place_.in->commit(size_);
  place_.in->hold(size_);
  return Fault::None;
}

// For the log, and because the response to a HEAD has no body whatever was wrong with it.
void RequestText::keep_start_line() {
  RequestHead& head = *place_.head;
  head.reset(place_.limits->fields);
  head.start_line = head.method_text = head.target = {};
  head.method = method_ == "HEAD"sv ? Method::Head : Method::Other;
  const std::string_view line{place_.in->space(), start_size_};
  if (parse_request_head(line, *place_.limits, *place_.names, head) != HeadStatus::NeedMore ||
      !head.start_line_done || head.start_line.size() != line.size()) {
    head.start_line = head.method_text = head.target = {};
  }
  place_.in->commit(start_size_);
  place_.in->hold(start_size_);
}

}  // namespace keepsake
