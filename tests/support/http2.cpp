#include "support/http2.hpp"

#include <nghttp2/nghttp2.h>

#include <stdexcept>

namespace keepsake::test::http2 {

std::string number(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = bytes; i > 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * (i - 1)) & 0xffU));
  }
  return out;
}

std::string frame(unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload) {
  return number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) +
         std::string{payload};
}

namespace {

// RFC 7541 5.1, behind a first byte whose high bits are `first`.
std::string integer(std::size_t value, unsigned bits, unsigned first) {
  const std::size_t most = (std::size_t{1} << bits) - 1;
  if (value < most) {
    return number(first | value, 1);
  }
  std::string out = number(first | most, 1);
  for (value -= most; value >= 128; value /= 128) {
    out += number(value % 128 + 128, 1);
  }
  return out + number(value, 1);
}

std::string text(std::string_view bytes) {
  return integer(bytes.size(), 7, 0) + std::string{bytes};
}

}  // namespace

std::string literal(std::string_view name, std::string_view value) {
  return number(0, 1) + text(name) + text(value);
}

std::string indexed_literal(std::string_view name, std::string_view value) {
  return number(0x40, 1) + text(name) + text(value);
}

std::string indexed(std::size_t index) {
  return integer(index, 7, 0x80);
}

std::string literals(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += literal(name, value);
  }
  return out;
}

std::string settings(const std::vector<std::pair<unsigned, std::uint32_t>>& entries) {
  std::string payload;
  for (const auto& [id, value] : entries) {
    payload += number(id, 2) + number(value, 4);
  }
  return frame(kSettings, 0, 0, payload);
}

std::string settings_ack() {
  return frame(kSettings, kAck, 0, {});
}

std::string headers(std::uint32_t stream, const Fields& fields, bool end_stream) {
  return frame(kHeaders, kEndHeaders | (end_stream ? unsigned{kEndStream} : 0U), stream,
               literals(fields));
}

std::string data(std::uint32_t stream, std::string_view bytes, bool end_stream) {
  return frame(kData, end_stream ? unsigned{kEndStream} : 0U, stream, bytes);
}

std::string rst(std::uint32_t stream, std::uint32_t code) {
  return frame(kRst, 0, stream, number(code, 4));
}

std::string goaway(std::uint32_t last_stream, std::uint32_t code) {
  return frame(kGoaway, 0, 0, number(last_stream, 4) + number(code, 4));
}

std::string window_update(std::uint32_t stream, std::uint32_t bytes) {
  return frame(kWindowUpdate, 0, stream, number(bytes, 4));
}

std::string ping(std::string_view eight) {
  return frame(kPing, 0, 0, eight);
}

Fields request(const std::string& method, const std::string& path, const Fields& more) {
  Fields fields{
      {":method", method}, {":scheme", "http"}, {":authority", "a.example"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

Fields get(const std::string& path, const Fields& more) {
  return request("GET", path, more);
}

std::string opening(const std::vector<std::pair<unsigned, std::uint32_t>>& entries) {
  return std::string{kPreface} + settings(entries) + settings_ack();
}

std::uint32_t Frame::u32(std::size_t at) const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8U | static_cast<unsigned char>(payload.at(at + i));
  }
  return value;
}

struct Reader::Inflater {
  Inflater() {
    if (nghttp2_hd_inflate_new(&inflater) != 0) {
      throw std::bad_alloc{};
    }
  }
  ~Inflater() { nghttp2_hd_inflate_del(inflater); }
  nghttp2_hd_inflater* inflater = nullptr;
};

Reader::Reader() : inflater_(std::make_unique<Inflater>()) {}
Reader::~Reader() = default;

std::optional<Frame> Reader::next() {
  constexpr std::size_t kHead = 9;
  if (bytes_.size() < kHead) {
    return std::nullopt;
  }
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
  const std::size_t length = byte(0) * 65536U + byte(1) * 256U + byte(2);
  if (bytes_.size() < kHead + length) {
    return std::nullopt;
  }
  Frame frame;
  frame.type = byte(3);
  frame.flags = byte(4);
  frame.stream = Frame{0, 0, 0, bytes_.substr(5, 4)}.u32();
  frame.payload = bytes_.substr(kHead, length);
  bytes_.erase(0, kHead + length);
  return frame;
}

Fields Reader::decode(const Frame& frame) {
  Fields fields;
  const auto* in = reinterpret_cast<const std::uint8_t*>(frame.payload.data());
  std::size_t left = frame.payload.size();
  while (true) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_->inflater, &field, &flags, in, left, 1);
    if (used < 0) {
      throw std::runtime_error{"a header block that cannot be decoded"};
    }
    in += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fields.emplace_back(std::string{reinterpret_cast<const char*>(field.name), field.namelen},
                          std::string{reinterpret_cast<const char*>(field.value), field.valuelen});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_->inflater);
      return fields;
    }
  }
}

std::string value_of(const Fields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (field == name) {
      return value;
    }
  }
  return "(none)";
}

}  // namespace keepsake::test::http2
