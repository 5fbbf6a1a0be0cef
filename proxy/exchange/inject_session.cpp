#include "exchange/inject_session.hpp"

#include <openssl/hmac.h>

#include <array>
#include <charconv>

#include "exchange/services.hpp"
#include "http/chars.hpp"
#include "http/value_encoding.hpp"
#include "store/store_key.hpp"

namespace keepsake {

using namespace std::string_view_literals;

namespace {

void append_hex_bytes(const unsigned char* bytes, std::size_t size, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(kHex[bytes[i] >> 4U]);
    out.push_back(kHex[bytes[i] & 15U]);
  }
}

// False: the value cannot be sent in this encoding, so the header stays away.
bool append_encoded(ValueEncoding encoding, std::string_view value, std::string& out) {
  switch (encoding) {
    case ValueEncoding::Percent:
      append_percent(value, out);
      return true;
    case ValueEncoding::DisplayString:
      append_display_string(value, out);
      return true;
    case ValueEncoding::Base64:
      append_base64(value, out);
      return true;
    case ValueEncoding::Raw:
      return append_raw(value, out);
  }
  return false;
}

// The whole session as one JSON object in ASCII.
void append_all_json(const Session& session, std::string& out) {
  out.push_back('{');
  for (std::size_t i = 0; i < session.size(); ++i) {
    const Session::Value pair = session.at(i);
    out.append(i == 0 ? "" : ",");
    append_json_string(pair.key, out);
    out.push_back(':');
    append_json_string(pair.value, out);
  }
  out.push_back('}');
}

bool append_value(const Session& session, std::string_view return_page, const SessionHeader& header,
                  std::string& out) {
  switch (header.source) {
    case SessionHeader::Source::Value: {
      const std::optional<std::string_view> value = session.find(header.key);
      return value && append_encoded(header.encoding, *value, out);
    }
    case SessionHeader::Source::AllJson:
      if (session.empty()) {
        return false;
      }
      append_all_json(session, out);
      return true;
    case SessionHeader::Source::Id:
      if (!session.has_id) {
        return false;
      }
      append_store_key(session.id, out);
      return true;
    case SessionHeader::Source::Return:
      out.append(return_page);
      return !return_page.empty();
  }
  return false;
}

// The value of the header line `name` in `lines`, which are ours and well-formed.
std::string_view value_in(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    if (line.size() > name.size() + 1 && line.substr(0, name.size()) == name &&
        line[name.size()] == ':') {
      return trim(line.substr(name.size() + 2));  // as whoever receives it reads it
    }
    lines.remove_prefix(line.size() + 2);
  }
  return {};
}

}  // namespace

void inject_session(Exchange& x, std::string& out) {
  if (!x.session.opened && x.work.return_page.empty()) {
    return;
  }
  for (const SessionHeader& header : x.view->config().session.headers) {
    const std::size_t start = out.size();
    out.append(header.name).append(": "sv);
    if (append_value(x.work.session, x.work.return_page, header, out)) {
      out.append("\r\n"sv);
    } else {
      out.resize(start);
    }
  }
}

void inject_assertion(Exchange& x, std::string_view secret, std::size_t headers_at,
                      std::string& out) {
  const std::string_view lines = std::string_view{out}.substr(headers_at);
  std::string_view target = std::string_view{out}.substr(0, out.find("\r\n"));
  target.remove_prefix(target.find(' ') + 1);
  target = target.substr(0, target.find(' '));
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 unix_seconds(x.services.clock().wall()))
                       .ptr;
  const std::string_view time{digits.data(), static_cast<std::size_t>(end - digits.data())};

  std::string message = "keepsake assertion v1\n";
  message.append(x.work.request.method_text).append("\n"sv).append(target).append("\n"sv);
  message.append(time).append("\n"sv);
  std::string names;
  for (const SessionHeader& header : x.view->config().session.headers) {
    const std::size_t start = names.size() + (names.empty() ? 0 : 1);
    names.append(names.empty() ? "" : ",");
    for (const char c : header.name) {
      names.push_back(to_lower(c));
    }
    message.append(names, start).append(":"sv).append(value_in(lines, header.name)).append("\n"sv);
  }
  std::array<unsigned char, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), &size);
  out.append(kAssertionHeader).append(": v1 t="sv).append(time).append(" h="sv).append(names);
  out.append(" s="sv);
  append_hex_bytes(mac.data(), size, out);
  out.append("\r\n"sv);
}

}  // namespace keepsake
