// An HTTP/2 connection with both its ends in the hands of the input: which frames come, cut how,
// and what the owner of the streams does in between. What has to hold: the output is frames that a
// client can read, each stream's bytes are its own and end once, and no request looks whole that is
// not.

#include <algorithm>
#include <array>
#include <map>

#include "fuzz.hpp"
#include "http/framing.hpp"
#include "http2/peer.hpp"

namespace {

using namespace keepsake;
using namespace keepsake::test;
using fuzz::must;

// Takes numbers off the input; zeros when it is used up.
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
  std::uint32_t number() { return byte() << 24U | byte() << 16U | byte() << 8U | byte(); }
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
constexpr std::array<Known, 24> kFields{{{":method", "GET"},
                                         {":method", "POST"},
                                         {":method", "CONNECT"},
                                         {":scheme", "http"},
                                         {":path", "/"},
                                         {":authority", "a"},
                                         {":protocol", "websocket"},
                                         {"content-length", "5"},
                                         {"content-length", "0"},
                                         {"cookie", "a=1"},
                                         {"host", "a"},
                                         {"te", "trailers"},
                                         {"priority", "u=1, i"},
                                         {"expect", "100-continue"},
                                         {"connection", "close"},
                                         {"transfer-encoding", "chunked"},
                                         {"Upper", "x"},
                                         {"x", "a\r\nb: c"},
                                         {"x-session-name", "forged"},
                                         {"x_session.name", "forged"},
                                         {":status", "200"},
                                         {"", "x"},
                                         {"a b", "c"},
                                         {"user-agent", "fuzz"}}};

class World {
 public:
  explicit World(Dice dice) : dice_(dice), peer_(settings_of(dice_.byte())) {
    pending_ = std::string{http2::kPreface} + http2::settings();
  }

  void run() {
    while (!dice_.empty()) {
      step();
    }
    flush();
    drink();
    must(session().over() != Http2Session::Over::No || open_ == session().open_streams());
  }

 private:
  static Http2Session::Settings settings_of(unsigned byte) {
    Http2Session::Settings settings;
    settings.trusted = (byte & 1U) != 0;
    settings.websocket = (byte & 2U) != 0;
    settings.streams = (byte & 4U) != 0 ? 3 : 100;
    return settings;
  }

  Http2Session& session() { return peer_.session(); }
  std::uint32_t id() { return dice_.byte() % 16; }

  TestStream* stream() {
    return peer_.streams.empty() ? nullptr
                                 : peer_.streams[dice_.byte() % peer_.streams.size()].get();
  }

  // --- the client

  std::string fields() {
    std::string block;
    for (unsigned left = dice_.byte() % 12; left > 0; --left) {
      const unsigned which = dice_.byte();
      if (which >= 250) {
        const std::string_view name = dice_.text(dice_.byte() % 16);
        block += http2::literal(name, dice_.text(dice_.byte() % 64));
      } else if (which >= 200) {
        block += http2::indexed(which - 200);
      } else {
        const Known& known = kFields[which % kFields.size()];
        block += (which & 64U) != 0 ? http2::literal(known.name, known.value)
                                    : http2::indexed_literal(known.name, known.value);
      }
    }
    return block;
  }

  std::string request() {
    http2::Fields list = http2::request((dice_.byte() & 1U) != 0 ? "POST" : "GET", "/");
    return http2::literals(list) + fields();
  }

  std::string next_frame(unsigned kind) {
    switch (kind) {
      case 0:
        return std::string{dice_.text(dice_.byte())};
      case 1:
      case 2:
      case 3:
        return http2::frame(http2::kHeaders, dice_.byte() & 0x2dU, id(),
                            kind == 1 ? fields() : request());
      case 4:
      case 5:
        return http2::frame(http2::kData, dice_.byte() & 9U, id(),
                            std::string((dice_.byte() * 67U) % 16'385, 'd'));
      case 6:
        return http2::rst(id(), dice_.byte());
      case 7:
        return http2::window_update(id(), dice_.number());
      case 8:
        return http2::window_update((dice_.byte() & 1U) != 0 ? id() : 0, 1 + dice_.byte() * 300U);
      case 9:
        return http2::settings({{dice_.byte() % 10, dice_.number()}});
      case 10:
        return http2::settings_ack();
      case 11:
        return http2::ping();
      case 12:
        return http2::frame(http2::kContinuation, dice_.byte() & 4U, id(), fields());
      case 13:
        return http2::frame(http2::kPriorityUpdate, 0, 0,
                            http2::number(id(), 4) + std::string{dice_.text(dice_.byte() % 8)});
      case 14:
        return dice_.byte() == 0 ? http2::goaway() : http2::settings({{4, dice_.byte() * 999U}});
      default: {
        const unsigned type = dice_.byte();
        const unsigned flags = dice_.byte();
        const std::uint32_t stream = id();
        return http2::frame(type, flags, stream, dice_.text(dice_.byte() % 40));
      }
    }
  }

  // What has gathered becomes one read, or several.
  void flush() {
    const std::size_t piece = cut_ == 0 ? pending_.size() + 1 : cut_;
    for (std::size_t at = 0; at < pending_.size(); at += piece) {
      session().feed(std::string_view{pending_}.substr(at, piece), time_);
      look();
    }
    pending_.clear();
  }

  // --- the owner

  void step() {
    const unsigned kind = dice_.byte() % 32;
    if (kind < 16) {
      pending_ += next_frame(kind);
      if (pending_.size() > 100'000) {
        flush();
      }
      return;
    }
    flush();
    TestStream* chosen = stream();
    switch (kind) {
      case 16:
        cut_ = dice_.byte() % 40;
        break;
      case 17:
        time_ += Millis{dice_.byte() * 10};
        break;
      case 18:
        drink();
        break;
      case 19:
        dice_.byte() % 4 == 0 ? session().begin_drain() : session().rest();
        break;
      case 20:
        dice_.byte() % 8 == 0 ? session().finish_drain() : drink();
        break;
      case 21:
        if (dice_.byte() == 255) {
          session().end(Http2Code::NoError, "idle");
        }
        break;
      default:
        if (chosen != nullptr) {
          use(*chosen, kind);
        }
        break;
    }
    look();
  }

  void use(TestStream& stream, unsigned kind) {
    const std::string_view piece = piece_of(stream);
    std::string head = "HTTP/1.1 200 OK\r\nX-Id: " + std::to_string(stream.id) + "\r\n\r\n";
    std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";
    const bool last = (dice_.byte() & 1U) != 0;
    switch (kind) {
      case 22:
      case 23:
        if (stream.seen.head && answered_.insert({stream.id, true}).second) {
          session().respond(stream, head, piece, last);
        }
        break;
      case 24:
        if (stream.seen.head && answered_.count(stream.id) == 0) {
          session().respond_interim(stream, interim);
        }
        break;
      case 25:
      case 26:
        if (answered_.count(stream.id) != 0 && session().sent(stream)) {
          session().send(stream, piece, last);
        }
        break;
      case 27:
        if (answered_.count(stream.id) != 0 && session().sent(stream)) {
          session().send(stream, piece, true, trailers_);
        }
        break;
      case 28: {
        stream.refill();
        const std::size_t taken = std::min<std::size_t>(stream.in.size(), dice_.byte() * 300U);
        stream.in.consume(taken);
        session().credit(stream, taken);
        break;
      }
      case 29:
        session().reset(stream, static_cast<Http2Code>(dice_.byte() % 14));
        break;
      case 30:
        if (stream.websocket && answered_.insert({stream.id, true}).second) {
          session().respond_tunnel(stream, head);
        }
        break;
      default:
        release(stream);
        break;
    }
  }

  // Bytes that say whose they are.
  std::string_view piece_of(const TestStream& stream) {
    static std::array<std::string, 26> bodies;
    std::string& body = bodies[stream.id % bodies.size()];
    if (body.empty()) {
      body.assign(40'000, static_cast<char>('A' + stream.id % bodies.size()));
    }
    return std::string_view{body}.substr(0, dice_.byte() * 157U);
  }

  void release(TestStream& stream) {
    session().release(stream);
    peer_.streams.erase(
        std::find_if(peer_.streams.begin(), peer_.streams.end(),
                     [&](const auto& candidate) { return candidate.get() == &stream; }));
  }

  // --- what has to hold

  void look() {
    peer_.collect_news();
    open_ = 0;
    for (const auto& stream : peer_.streams) {
      open_ += stream->closed ? 0U : 1U;
      must(stream->heads <= 1);
      must(stream->buffered() <= Http2Session::kGrownWindow);
      must(stream->taken <= 1'000'000'000);
      if (!stream->seen.head || stream->fault != Fault::None) {
        continue;
      }
      const Framing framing = request_framing(stream->request);
      if (framing.error == 0 && framing.declared_length &&
          stream->request.method != Method::Connect) {
        must(stream->received <= framing.length);
        must(!stream->ended || stream->received == framing.length);
      }
      for (const Field& field : stream->request.fields) {
        must(field.line.find_first_of(std::string_view{"\r\n\0", 3}) == field.line.size() - 2);
      }
    }
  }

  // Everything that is in the output, as a client reads it.
  void drink() {
    peer_.read();
    for (std::size_t i = 0; i < peer_.frames.size(); ++i) {
      const http2::Frame& frame = peer_.frames[i];
      must(!over_);
      if (frame.type == http2::kGoaway && frame.u32(4) != 0) {
        over_ = !(session().over() == Http2Session::Over::No);
      }
      if (frame.type != http2::kData && frame.type != http2::kHeaders) {
        continue;
      }
      must(frame.stream % 2 == 1);
      must(!std::exchange(finished_[frame.stream], frame.end_stream()));
      if (frame.type == http2::kData) {
        const char tag = static_cast<char>('A' + frame.stream % 26);
        must(frame.payload.find_first_not_of(tag) == std::string::npos);
      } else {
        const std::string id = http2::value_of(peer_.fields[i], "x-id");
        must(id == "(none)" || id == std::to_string(frame.stream));
      }
    }
    peer_.clear();
    look();
  }

  Dice dice_;
  Peer peer_;
  SteadyTime time_{std::chrono::hours{1}};
  std::string pending_;
  std::string_view trailers_ = "X-Trailer: yes\r\n";
  std::size_t cut_ = 0;
  std::size_t open_ = 0;
  bool over_ = false;
  std::map<std::uint32_t, bool> answered_;
  std::map<std::uint32_t, bool> finished_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World{Dice{fuzz::as_text(data, size)}}.run();
  return 0;
}
