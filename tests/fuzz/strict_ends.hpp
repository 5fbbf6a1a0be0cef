#pragma once
// The ends of a connection through the proxy, as strict about the bytes as it is itself: what a
// backend gets must be requests, what a client gets must be responses. fuzz_connection.cpp moves
// the bytes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/chunked.hpp"
#include "http/framing.hpp"
#include "http/head.hpp"

namespace keepsake::fuzz {

// The bytes of one backend link, read as strictly as the proxy reads its clients.
class StrictReader {
 public:
  void add(std::string_view bytes) { buffer_.append(bytes); }

  // Whether a whole request has come since the last call.
  bool next() {
    if (!head_read_ && !read_head()) {
      return false;
    }
    if (framing_.kind == BodyKind::Length && left_ > 0) {
      const auto n = std::min<std::size_t>(left_, buffer_.size());
      buffer_.erase(0, n);
      left_ -= n;
    }
    while (framing_.kind == BodyKind::Chunked && !ended_) {
      const ChunkReader::Piece piece = chunks_.next(buffer_);
      must(piece.step != ChunkReader::Step::Bad && piece.step != ChunkReader::Step::Trailer);
      ended_ = piece.step == ChunkReader::Step::End;
      buffer_.erase(0, piece.consumed);
      if (piece.step == ChunkReader::Step::NeedMore) {
        return false;
      }
    }
    if (framing_.kind == BodyKind::Length && left_ > 0) {
      return false;
    }
    head_read_ = false;
    return true;
  }

 private:
  bool read_head() {
    RequestHead head;
    head.reset(64);
    const HeadLimits limits{16 * 1024, 64, 8 * 1024};
    const HeadStatus status = parse_request_head(buffer_, limits, names_, head);
    if (status == HeadStatus::NeedMore) {
      return false;
    }
    must(status == HeadStatus::Ok && head.minor == 1 && head.start_line.ends_with("HTTP/1.1\r\n"));
    std::array<unsigned, kFieldIds> seen{};
    for (const Field& field : head.fields) {
      ++seen[static_cast<std::size_t>(field.id)];
      must(field.exact || field.id == FieldId::KeepAlive || field.id == FieldId::Http2Settings ||
           field.id == FieldId::ProxyConnection || field.id == FieldId::ProxyAuthorization ||
           field.id == FieldId::ProxyAuthenticate || field.id >= FieldId::Traceparent);
    }
    const auto count = [&](FieldId id) { return seen[static_cast<std::size_t>(id)]; };
    must(count(FieldId::Host) == 1 && count(FieldId::XForwardedFor) == 1);
    must(count(FieldId::XRequestId) == 1 && count(FieldId::XForwardedProto) == 1);
    must(count(FieldId::Forwarded) == 0 && count(FieldId::XRealIp) == 0);
    must(count(FieldId::Injected) == 0);  // nobody here has a session
    must(count(FieldId::Expect) == 0 && count(FieldId::Trailer) == 0);
    framing_ = request_framing(head);
    must(framing_.error == 0);
    left_ = framing_.length;
    chunks_ = ChunkReader{};
    ended_ = false;
    head_read_ = true;
    buffer_.erase(0, head.size);
    return true;
  }

  FieldTable names_{{"X-Session-Name"}};
  std::string buffer_;
  Framing framing_;
  std::uint64_t left_ = 0;
  ChunkReader chunks_;
  bool head_read_ = false;
  bool ended_ = false;
};

// Every response of `bytes`, strictly; the last may be incomplete.
inline void check_responses(std::string_view bytes, const std::vector<bool>& to_head) {
  const FieldTable names;
  std::size_t answered = 0;
  while (!bytes.empty()) {
    ResponseHead head;
    head.reset(600);
    const HeadStatus status =
        parse_response_head(bytes, HeadLimits{70 * 1024, 600, 0}, names, head);
    if (status == HeadStatus::NeedMore) {
      return;
    }
    must(status == HeadStatus::Ok && head.start_line.starts_with("HTTP/1.1 "));
    must(!head.has(FieldId::XSessionSet) && !head.has(FieldId::XSessionClear) &&
         !head.has(FieldId::XSessionRenew));
    bytes.remove_prefix(head.size);
    const bool head_only = answered < to_head.size() && to_head[answered];
    const Framing framing = response_framing(head, head_only);
    must(framing.error == 0);
    if (head.status == 101) {
      return;
    }
    answered += head.status >= 200 ? 1 : 0;
    if (framing.kind == BodyKind::UntilClose) {
      return;
    }
    if (framing.kind == BodyKind::Length) {
      bytes.remove_prefix(std::min<std::uint64_t>(framing.length, bytes.size()));
    }
    ChunkReader chunks;
    while (framing.kind == BodyKind::Chunked) {
      const ChunkReader::Piece piece = chunks.next(bytes);
      must(piece.step != ChunkReader::Step::Bad);
      bytes.remove_prefix(piece.consumed);
      if (piece.step == ChunkReader::Step::NeedMore) {
        return;
      }
      if (piece.step == ChunkReader::Step::End) {
        break;
      }
    }
  }
}

// Which of the requests are HEAD; as the proxy understands them, up to the first that is not whole.
inline std::vector<bool> head_requests(std::string_view bytes) {
  std::vector<bool> result;
  const FieldTable names;
  while (!bytes.empty()) {
    RequestHead head;
    head.reset(40);
    const HeadStatus status = parse_request_head(bytes, HeadLimits{4096, 30, 1024}, names, head);
    result.push_back(head.method == Method::Head);
    if (status != HeadStatus::Ok) {
      break;
    }
    bytes.remove_prefix(head.size);
    const Framing framing = request_framing(head);
    if (framing.error != 0) {
      break;
    }
    if (framing.kind == BodyKind::Length) {
      bytes.remove_prefix(std::min<std::uint64_t>(framing.length, bytes.size()));
    }
    ChunkReader chunks;
    while (framing.kind == BodyKind::Chunked) {
      const ChunkReader::Piece piece = chunks.next(bytes);
      bytes.remove_prefix(piece.consumed);
      if (piece.step == ChunkReader::Step::End) {
        break;
      }
      if (piece.step == ChunkReader::Step::Bad || piece.step == ChunkReader::Step::NeedMore) {
        return result;
      }
    }
  }
  return result;
}

}  // namespace keepsake::fuzz
