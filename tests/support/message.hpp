#pragma once
// A received HTTP message as tests look at it: the bytes of its head and what they say.
// Deliberately naive and independent of proxy/http, which it helps to judge.

#include <string>
#include <string_view>
#include <vector>

namespace keepsake::test {

// Control bytes, quotes and everything beyond ASCII as \r, \n, \xHH: what a failed comparison
// shows.
std::string escaped(std::string_view bytes);

struct Message {
  std::string head;      // start line, header lines and the empty line, as they came
  std::string raw_body;  // as it came
  std::string body;      // without its chunked coding
  std::string trailers;  // the lines behind the last chunk, as they came

  std::string start_line() const;  // without CRLF
  unsigned status() const;
  // Every value of that header, in order; names are compared without case.
  std::vector<std::string> values(std::string_view name) const;
  bool has(std::string_view name) const { return !values(name).empty(); }
  // The only value. "(absent)" or "(2 of them)" if that is not so.
  std::string value(std::string_view name) const;
  // The head's lines whose name is `name`, as they came.
  std::vector<std::string> lines() const;
  // The value of the cookie `name` that a Set-Cookie line of this message sets; "(absent)" without.
  std::string set_cookie(std::string_view name = "session") const;
};

}  // namespace keepsake::test
