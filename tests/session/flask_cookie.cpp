// flask_interop.py's hand in Keepsake's codec: commands on stdin, one answer per line on stdout,
// keys and values in base64url. `flask_cookie SECRET...` takes the secrets as the configuration
// lists them.
//
//   open COOKIE                          -> ok STAMP KEY_INDEX [key value]...  |  why not
//   edit COOKIE|- STAMP [key value|key -]...  -> the cookie after these sets and erasures  |  why
//   not

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/base64url.hpp"
#include "session/flask_codec.hpp"

namespace {

using namespace keepsake;

std::string encoded(std::string_view text) {
  std::string out = "=";  // so that an empty text is a word too
  base64url_encode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, out);
  return out;
}

std::string decoded(const std::string& word) {
  std::vector<std::uint8_t> bytes(word.size());
  const std::optional<std::size_t> size = base64url_decode(std::string_view(word).substr(1), bytes);
  return size ? std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*size))
              : "?";
}

std::string answer(FlaskCodec& codec, std::istringstream& words) {
  std::string verb, cookie, key, value;
  words >> verb >> cookie;
  Session session;
  Opened opened{OpenStatus::Ok, 0};
  if (cookie != "-") {
    opened = codec.open(cookie, "", session);
  }
  if (opened.status != OpenStatus::Ok) {
    return std::string(to_string(opened.status));
  }
  if (verb == "open") {
    std::string line =
        "ok " + std::to_string(session.touched) + " " + std::to_string(opened.key_index);
    for (std::size_t i = 0; i < session.size(); ++i) {
      line += " " + encoded(session.at(i).key) + " " + encoded(session.at(i).value);
    }
    return line;
  }
  words >> session.touched;
  session.created = session.touched;
  while (words >> key >> value) {
    if (value == "-") {
      session.erase(decoded(key));
    } else {
      session.set(decoded(key), decoded(value));
    }
  }
  std::string sealed;
  return codec.seal(session, "", sealed) != 0 ? sealed : "refused";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: flask_cookie SECRET...\n";
    return 2;
  }
  FlaskCodec codec(
      std::make_shared<const KeyRing>(std::vector<std::string>(argv + 1, argv + argc)));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::cout << answer(codec, words) << std::endl;
  }
  return 0;
}
