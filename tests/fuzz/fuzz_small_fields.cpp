// Fields that are small enough to share a target: Accept, X-Request-Id, traceparent, Keep-Alive,
// WWW-Authenticate; and the error bodies, which show text. Input: three lines, each of which is
// taken for several of them.

#include <boost/json.hpp>

#include <string>

#include "fuzz.hpp"
#include "http/connection_auth.hpp"
#include "http/error_page.hpp"
#include "http/keep_alive.hpp"
#include "http/request_id.hpp"

using namespace keepsake;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = fuzz::split_lines(fuzz::as_text(data, size), 3);

  if (prefers_html(lines[0])) {
    must(lines[0].find('/') != std::string_view::npos);
    must(prefers_html(std::string{lines[0]} + ", application/json;q=0"));
  }
  if (valid_request_id(lines[1])) {
    must(lines[1].size() <= 128 && lines[1].find_first_of(" \r\n\t\",;") == std::string_view::npos);
  }
  if (const auto trace = parse_traceparent(lines[2])) {
    std::string text;
    append_traceparent(*trace, text);
    must(text.size() == 55 && parse_traceparent(text) == trace);
    must(text.substr(2) == lines[2].substr(2, 53));
  }

  for (const std::string_view line : lines) {
    const std::string text{line};
    must(read_keep_alive(text + ", timeout=7, max=3").timeout == 7);
    must(names_connection_auth(text + ", NTLM") && names_connection_auth("Negotiate, " + text));
  }

  std::string page;
  append_error_body(400, lines[0], lines[1], lines[2], true, page);
  std::string plain;
  append_error_body(400, "x", "x", "x", true, plain);
  const auto tags = [](const std::string& text) {
    std::size_t count = 0;
    for (const char c : text) {
      count += c == '<' ? 1U : 0U;
    }
    return count;
  };
  must(tags(page) <= tags(plain));

  std::string problem;
  append_error_body(400, lines[0], lines[1], lines[2], false, problem);
  boost::system::error_code error;
  must(boost::json::parse(problem, error).is_object() && !error);
  return 0;
}
