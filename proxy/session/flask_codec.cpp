#include "session/flask_codec.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdlib>

#include "base/base64url.hpp"
#include "http/form.hpp"
#include "session/python_text.hpp"

namespace keepsake {
namespace {

constexpr std::int64_t kFlaskStampEnd = std::int64_t{1} << 40;

void must(bool done) {
  if (!done) {
    std::abort();
  }
}

// The keys of TaggedJSONSerializer: an object with one such key alone is another Python type.
bool is_tag(std::string_view key) {
  return key == " di" || key == " t" || key == " b" || key == " m" || key == " u" || key == " d";
}

// Big-endian without leading zeros, as int_to_bytes of itsdangerous writes it. Flask also reads
// longer spellings of the same number; a second spelling is refused here.
std::optional<std::int64_t> read_stamp(std::string_view text) {
  std::array<std::uint8_t, 5> bytes{};
  const std::optional<std::size_t> size = base64url_decode(text, bytes);
  if (!size || *size == 0 || bytes[0] == 0) {
    return std::nullopt;
  }
  std::int64_t stamp = 0;
  for (std::size_t i = 0; i < *size; ++i) {
    stamp = stamp << 8 | bytes[i];
  }
  return stamp;
}

void append_stamp(std::int64_t stamp, std::string& out) {
  std::array<std::uint8_t, 5> bytes{};
  std::size_t first = bytes.size();
  for (; stamp != 0; stamp >>= 8) {
    bytes[--first] = static_cast<std::uint8_t>(stamp & 0xFF);
  }
  base64url_encode(std::span(bytes).subspan(first), out);
}

void append_member(std::string_view key, std::string& json) {
  if (json.back() != '{') {
    json.push_back(',');
  }
  encode_json_string(key, json);
  json.push_back(':');
}

}  // namespace

FlaskCodec::FlaskCodec(std::shared_ptr<const KeyRing> keys)
    : keys_(std::move(keys)), payload_(base64url_decoded_size(kMaxCookie)), inflated_(kMaxJson) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  must(hmac != nullptr);
  std::string digest{keys_->flask_digest()};
  const std::array<OSSL_PARAM, 2> params{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  for (std::size_t i = 0; i < keys_->size(); ++i) {
    const auto& key = keys_->at(i).flask_signing;
    auto& mac = macs_.emplace_back(EVP_MAC_CTX_new(hmac));
    must(mac && EVP_MAC_init(mac.get(), key.data(), keys_->flask_size(), params.data()) == 1);
  }
  EVP_MAC_free(hmac);
  must(inflateInit(&inflater_) == Z_OK);
  must(deflateInit(&deflater_, Z_DEFAULT_COMPRESSION) == Z_OK);
}

FlaskCodec::~FlaskCodec() {
  inflateEnd(&inflater_);
  deflateEnd(&deflater_);
}

FlaskCodec::Signature FlaskCodec::sign(std::size_t key, std::string_view text) {
  Signature signature{};
  EVP_MAC_CTX* mac = macs_[key].get();
  std::size_t size = 0;
  must(EVP_MAC_init(mac, nullptr, 0, nullptr) == 1);
  must(EVP_MAC_update(mac, reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
  must(EVP_MAC_final(mac, signature.data(), &size, signature.size()) == 1);
  return signature;
}

FlaskCodec::Verified FlaskCodec::verify(std::string_view cookie) {
  const std::size_t size = keys_->flask_size();
  const std::size_t chars = (size * 4 + 2) / 3;
  const std::size_t dot = cookie.rfind('.');
  if (cookie.size() > kMaxCookie || dot == std::string_view::npos ||
      cookie.size() - dot - 1 != chars) {
    return {};
  }
  Signature signature{};
  if (!base64url_decode(cookie.substr(dot + 1), signature)) {
    return {};
  }
  const std::string_view text = cookie.substr(0, dot);
  for (std::size_t i = 0; i < keys_->size(); ++i) {
    const Signature expected = sign(i, text);
    if (CRYPTO_memcmp(expected.data(), signature.data(), size) == 0) {
      return {OpenStatus::Ok, i, text};
    }
  }
  return {OpenStatus::UnknownKey, 0, text};
}

bool FlaskCodec::knows(std::string_view cookie) {
  return verify(cookie).status == OpenStatus::Ok;
}

Opened FlaskCodec::open(std::string_view cookie, std::string_view, std::size_t, Session& out) {
  out.reset();
  const Opened malformed{OpenStatus::Malformed, 0};
  const auto [verified, key, text] = verify(cookie);
  if (verified != OpenStatus::Ok) {
    return {verified, 0};
  }
  const std::size_t stamp_dot = text.rfind('.');
  if (stamp_dot == std::string_view::npos) {
    return malformed;
  }
  const std::optional<std::int64_t> stamp = read_stamp(text.substr(stamp_dot + 1));
  const std::optional<std::string_view> json = json_of(text.substr(0, stamp_dot));
  if (!stamp || !json || !valid_utf8(*json) || !scan_tagged(*json)) {
    return malformed;
  }
  for (const JsonMember& member : object_.members()) {
    if (exposed(member)) {
      out.append_sorted(object_.key(member), text_);
    } else {
      ++out.hidden;
    }
  }
  out.created = *stamp;
  out.touched = *stamp;
  out.codec_state.assign(object_.text());
  return {OpenStatus::Ok, key};
}

std::optional<std::string_view> FlaskCodec::json_of(std::string_view payload) {
  const bool compressed = payload.starts_with('.');
  if (compressed) {
    payload.remove_prefix(1);
  }
  const std::optional<std::size_t> size = base64url_decode(payload, payload_);
  if (!size) {
    return std::nullopt;
  }
  if (!compressed) {
    return std::string_view(reinterpret_cast<const char*>(payload_.data()), *size);
  }
  inflater_.next_in = payload_.data();
  inflater_.avail_in = static_cast<uInt>(*size);
  inflater_.next_out = inflated_.data();
  inflater_.avail_out = static_cast<uInt>(inflated_.size());
  if (inflateReset(&inflater_) != Z_OK || inflate(&inflater_, Z_FINISH) != Z_STREAM_END ||
      inflater_.avail_in != 0) {
    return std::nullopt;
  }
  return std::string_view(reinterpret_cast<const char*>(inflated_.data()),
                          inflated_.size() - inflater_.avail_out);
}

// Reads the session's members into object_. A session whose only key is itself a tag stands in the
// cookie as {" di":{"<key>__":value}}; it is read as the {"<key>":value} it means.
bool FlaskCodec::scan_tagged(std::string_view json) {
  if (!object_.scan(json)) {
    return false;
  }
  if (object_.members().size() != 1 || !is_tag(object_.key(object_.members()[0]))) {
    return true;
  }
  const JsonMember& tag = object_.members()[0];
  if (object_.key(tag) != " di" || !inner_.scan(object_.value(tag)) ||
      inner_.members().size() != 1) {
    return false;
  }
  const JsonMember& only = inner_.members()[0];
  const std::string_view key = inner_.key(only);
  if (!key.ends_with("__")) {
    return false;
  }
  json_.assign("{");
  append_member(key.substr(0, key.size() - 2), json_);
  json_.append(inner_.value(only)).push_back('}');
  return object_.scan(json_);
}

// Puts into text_ what `member` of object_ appears as; false if it does not.
bool FlaskCodec::exposed(const JsonMember& member) {
  const std::string_view value = object_.value(member);
  text_.clear();
  if (!valid_utf8(object_.key(member)) || member.kind == JsonKind::Null) {
    return false;
  }
  if (member.kind == JsonKind::String) {
    return decode_json_string(value, text_);
  }
  if (member.kind == JsonKind::Object && inner_.scan(value) && inner_.members().size() == 1) {
    const JsonMember& tagged = inner_.members()[0];
    const std::string_view tag = inner_.key(tagged);
    if (is_tag(tag) && tag != " di" && tag != " t" && tagged.kind == JsonKind::String) {
      return decode_json_string(inner_.value(tagged), text_);
    }
  }
  text_.assign(value);
  return true;
}

// Merges what the cookie brought with what the session has now into json_.
bool FlaskCodec::write_json(const Session& session) {
  const std::string_view before =
      session.codec_state.empty() ? std::string_view("{}") : session.codec_state;
  if (!object_.scan(before)) {
    return false;
  }
  json_.assign("{");
  std::size_t count = 0;
  std::string_view last_key;
  std::size_t i = 0;
  auto member = object_.members().begin();
  const auto members_end = object_.members().end();
  while (i < session.size() || member != members_end) {
    const bool in_session =
        i < session.size() && (member == members_end || session.at(i).key <= object_.key(*member));
    const bool in_cookie =
        member != members_end && (i == session.size() || object_.key(*member) <= session.at(i).key);
    const bool visible = in_cookie && exposed(*member);
    if (in_session) {
      const auto [key, value] = session.at(i++);
      if (!valid_utf8(key) || !valid_utf8(value)) {
        return false;
      }
      append_member(key, json_);
      last_key = key;
      ++count;
      if (visible && text_ == value) {
        json_.append(object_.value(*member));
      } else {
        encode_json_string(value, json_);
      }
    } else if (!visible) {  // never shown to anybody, so nobody has erased it
      append_member(object_.key(*member), json_);
      last_key = object_.key(*member);
      ++count;
      json_.append(object_.value(*member));
    }
    if (in_cookie) {
      ++member;
    }
  }
  end_json(count, last_key);
  return true;
}

// Closes json_, whose last key of `count` was `last_key`. A key that alone would be a tag is
// tagged.
void FlaskCodec::end_json(std::size_t count, std::string_view last_key) {
  json_.push_back('}');
  if (count == 1 && is_tag(last_key)) {
    const std::size_t key_end = last_key.size() + 2;  // tags need no escapes
    json_.insert(key_end, "__").insert(0, "{\" di\":").push_back('}');
  }
}

bool FlaskCodec::forget(Session& session, std::string_view key) {
  if (session.hidden == 0 || !object_.scan(session.codec_state)) {
    return false;
  }
  bool found = false;
  json_.assign("{");
  for (const JsonMember& member : object_.members()) {
    if (object_.key(member) == key && !exposed(member)) {
      found = true;
      continue;
    }
    append_member(object_.key(member), json_);
    json_.append(object_.value(member));
  }
  if (found) {
    json_.push_back('}');
    session.codec_state = json_;
    --session.hidden;
  }
  return found;
}

// zlib.compress(json_) of Python.
std::span<const std::uint8_t> FlaskCodec::deflated_json() {
  must(deflateReset(&deflater_) == Z_OK);
  deflated_.resize(deflateBound(&deflater_, json_.size()));
  deflater_.next_in = reinterpret_cast<Bytef*>(json_.data());
  deflater_.avail_in = static_cast<uInt>(json_.size());
  deflater_.next_out = deflated_.data();
  deflater_.avail_out = static_cast<uInt>(deflated_.size());
  must(deflate(&deflater_, Z_FINISH) == Z_STREAM_END);
  return std::span(deflated_).first(deflated_.size() - deflater_.avail_out);
}

std::size_t FlaskCodec::seal(const Session& session, std::string_view, std::string& out) {
  if (session.touched <= 0 || session.touched >= kFlaskStampEnd || !write_json(session)) {
    return 0;
  }
  const std::size_t before = out.size();
  const std::span<const std::uint8_t> packed = deflated_json();
  if (packed.size() < json_.size() - 1) {
    out.push_back('.');
    base64url_encode(packed, out);
  } else {
    base64url_encode({reinterpret_cast<const std::uint8_t*>(json_.data()), json_.size()}, out);
  }
  out.push_back('.');
  append_stamp(session.touched, out);
  const Signature signature = sign(0, std::string_view(out).substr(before));
  out.push_back('.');
  base64url_encode(std::span(signature).first(keys_->flask_size()), out);
  return out.size() - before;
}

}  // namespace keepsake
