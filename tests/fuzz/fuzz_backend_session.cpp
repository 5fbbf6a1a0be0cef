// A connection to a backend with both its ends in the hands of the input: which frames the backend
// sends, and what the owners of the streams do in between. What has to hold: the output is frames
// that a server can read; every head in a stream's text is one that the parser of HTTP/1.1 takes;
// no response looks whole that is not; nobody holds more than a window.

#include <array>

#include "fuzz.hpp"
#include "http/framing.hpp"
#include "http2/backend_peer.hpp"

namespace {

using namespace keepsake;
using namespace keepsake::test;
using fuzz::must;

class Dice {
 public:
  explicit Dice(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  unsigned byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::string_view text(std::size_t size) {
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view bytes_;
};

struct Known {
  std::string_view name, value;
};
constexpr std::array<Known, 14> kFields{{{":status", "200"},
                                         {":status", "103"},
                                         {":status", "204"},
                                         {":status", "101"},
                                         {"content-length", "5"},
                                         {"content-length", "0"},
                                         {"set-cookie", "a=1"},
                                         {"transfer-encoding", "chunked"},
                                         {"connection", "x"},
                                         {"grpc-status", "0"},
                                         {"te", "trailers"},
                                         {"x", "a\r\nb: c"},
                                         {"Upper", "y"},
                                         {":path", "/"}}};

http2::Fields fields_of(Dice& dice) {
  http2::Fields fields;
  for (unsigned n = dice.byte() % 6; n > 0; --n) {
    const unsigned which = dice.byte() % (kFields.size() + 1);
    if (which == kFields.size()) {
      fields.emplace_back(dice.text(dice.byte() % 8), dice.text(dice.byte() % 16));
    } else {
      fields.emplace_back(kFields[which].name, kFields[which].value);
    }
  }
  return fields;
}

std::string frame_of(Dice& dice) {
  const std::uint32_t stream = dice.byte() % 12;
  switch (dice.byte() % 10) {
    case 0:
    case 1:
      return http2::headers(stream, fields_of(dice), dice.byte() % 2 == 0);
    case 2:
      return http2::headers(stream, {{":status", "200"}}, dice.byte() % 4 == 0);
    case 3:
    case 4:
      return http2::data(stream, std::string(dice.byte() * 64U, 'd'), dice.byte() % 3 == 0);
    case 5:
      return http2::rst(stream, dice.byte() % 14);
    case 6:
      return http2::settings({{dice.byte() % 8, dice.byte() * 300U}});
    case 7:
      return http2::window_update(stream, dice.byte() * 1000U);
    case 8:
      return http2::goaway(stream, dice.byte() % 3);
    default:
      return http2::frame(dice.byte() % 12, dice.byte(), stream, dice.text(dice.byte() % 40));
  }
}

// Takes the heads off; what is behind the final one is body.
void judge(const BackendTestStream& stream) {
  static const FieldTable names;
  std::string_view text = stream.memory.bytes();
  must(stream.buffered() <= stream.limits.bytes * 8 + BackendSession::kStreamWindow);
  bool final_head = false;
  while (!final_head && !text.empty()) {
    ResponseHead head;
    head.reset(100);
    const HeadStatus status = parse_response_head(text, stream.limits, names, head);
    must(status == HeadStatus::Ok);
    must(!head.has(FieldId::TransferEncoding) && !head.has(FieldId::Connection));
    text.remove_prefix(head.size);
    final_head = head.status >= 200;
    if (final_head && stream.ended && stream.fault == Fault::None) {
      const Framing body = response_framing(head, false);
      must(body.error == 0);
      must(body.kind != BodyKind::Length || body.length == text.size());
    }
  }
  must(final_head || text.empty());
  must(!(stream.ended && stream.fault != Fault::None));
}

void play(Dice& dice) {
  BackendPeer peer;
  std::vector<bool> released;
  if (dice.byte() % 8 != 0) {
    peer.open({{3, dice.byte() % 8}});
  }
  while (!dice.empty()) {
    const unsigned which = dice.byte();
    BackendTestStream* const stream =
        peer.streams.empty() ? nullptr : peer.streams[which % peer.streams.size()].get();
    switch (which % 7) {
      case 0:
        if (peer.session().room() > 0) {
          peer.request("POST / HTTP/1.1\r\nHost: a\r\n\r\n", dice.byte() % 2 == 0 ? "" : "abc",
                       dice.byte() % 2 == 0);
          released.push_back(false);
        }
        break;
      case 1:
        if (stream != nullptr && !released[which % peer.streams.size()]) {
          judge(*stream);
          released[which % peer.streams.size()] = true;
          peer.release(*stream);
        }
        break;
      case 2:
        if (stream != nullptr && !released[which % peer.streams.size()] &&
            peer.session().sent(*stream)) {
          peer.session().send(*stream, "more", dice.byte() % 3 == 0);
          peer.read();
        }
        break;
      case 3:
        peer.pass(std::chrono::milliseconds{dice.byte()});
        peer.cancel_waiting();
        break;
      default:
        peer.send(frame_of(dice));
        break;
    }
  }
  for (std::size_t i = 0; i < peer.streams.size(); ++i) {
    if (!released[i]) {
      judge(*peer.streams[i]);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Dice dice{{reinterpret_cast<const char*>(data), size}};
  play(dice);
  return 0;
}
