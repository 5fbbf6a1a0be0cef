#include "http/error_page.hpp"

#include <boost/json.hpp>

#include <string>

#include "support/catch.hpp"

using namespace keepsake;

namespace {

std::string body(bool html, std::string_view title, std::string_view detail, std::string_view id) {
  std::string out;
  append_error_body(413, title, detail, id, html, out);
  return out;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a client gets a page only if it names HTML", "[http][error-page]") {
  const auto [accept, html] = GENERATE(table<std::string, bool>(
      {{"", false},
       {"*/*", false},
       {"text/html", true},
       {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true},
       {"TEXT/HTML", true},
       {"text/*", true},
       {"text/html, */*", true},
       {"text/html;level=1", true},
       {"application/xhtml+xml", true},
       {"application/json", false},
       {"application/json, text/plain, */*", false},
       {"application/json, text/html", true},
       {"application/json;q=0.9, text/html;q=0.5", false},
       {"application/problem+json, text/html;q=0.9", false},
       {"application/json;q=0.5, text/html;q=0.900", true},
       {"text/html;q=0", false},
       {"text/html;q=0, */*", false},
       {"text/html; q=0.001", true},
       {"text/html;q=1.5", false},
       {"text/html;q=abc", false},
       {"text/html;q=", false},
       {"text/html;q=0.1234", false},
       {"text/html;q=1.001", false},
       {"text/html;Q=0", false},
       {"image/png", false},
       {"application/*", false},
       {"text/event-stream", false},
       {",, text/html ,", true}}));
  CAPTURE(accept);
  CHECK(prefers_html(accept) == html);
}

TEST_CASE("problem details are one JSON object", "[http][error-page]") {
  const auto problem =
      boost::json::parse(body(false, "Content \"Too\" Large", "Too\nbig.", "abc-1")).as_object();
  CHECK(problem.at("status").as_int64() == 413);
  CHECK(problem.at("title").as_string() == "Content \"Too\" Large");
  CHECK(problem.at("detail").as_string() == "Too\nbig.");
  CHECK(problem.at("request_id").as_string() == "abc-1");
  const auto bare = boost::json::parse(body(false, "T", "", "")).as_object();
  CHECK(bare.size() == 2);
}

TEST_CASE("the page stands alone and is readable by everyone", "[http][error-page]") {
  const std::string page = body(true, "Content Too Large", "Too big.", "abc-1");
  CHECK(page.substr(0, 15) == "<!doctype html>");
  CHECK(contains(page, "<html lang=\"en\">"));
  CHECK(contains(page, "<title>Content Too Large</title>"));
  CHECK(contains(page, "width=device-width"));
  CHECK(contains(page, "prefers-color-scheme: dark"));
  CHECK(contains(page, "<p class=\"status\">413</p>"));
  CHECK(contains(page, "<h1>Content Too Large</h1>"));
  CHECK(contains(page, "<p>Too big.</p>"));
  CHECK(contains(page, "<code>abc-1</code>"));
  for (const std::string_view fetched : {"src=", "href=", "url(", "@import", "<script"}) {
    CAPTURE(fetched);
    CHECK_FALSE(contains(page, fetched));
  }
}

TEST_CASE("the page escapes what it shows", "[http][error-page]") {
  const std::string page = body(true, "<b>&\"'", "<script>alert(1)</script>", "<i>");
  CHECK(contains(page, "<h1>&lt;b&gt;&amp;&quot;&#39;</h1>"));
  CHECK(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  CHECK_FALSE(contains(page, "<script"));
  CHECK_FALSE(contains(page, "<i>"));
}

TEST_CASE("the page leaves out what there is not", "[http][error-page]") {
  const std::string page = body(true, "T", "", "");
  CHECK_FALSE(contains(page, "<p></p>"));
  CHECK_FALSE(contains(page, "<code>"));
}

TEST_CASE("statuses have the phrases of RFC 9110", "[http][error-page]") {
  CHECK(reason_phrase(303) == "See Other");
  CHECK(reason_phrase(400) == "Bad Request");
  CHECK(reason_phrase(413) == "Content Too Large");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(505) == "HTTP Version Not Supported");
  CHECK(reason_phrase(508) == "Loop Detected");
  CHECK(reason_phrase(599) == "Error");
}

TEST_CASE("names in a page of one's own are replaced and escaped, other braces stay",
          "[http][error_page]") {
  const auto fill = [](std::string_view page) {
    std::string out = "before ";
    append_own_page(page, 503, "A <b> & \"c\"", "id'<x>", out);
    return out;
  };
  CHECK(fill("") == "before ");
  CHECK(fill("plain") == "before plain");
  CHECK(fill("{status}{status}") == "before 503503");
  CHECK(fill("<h1>{title}</h1>") == "before <h1>A &lt;b&gt; &amp; &quot;c&quot;</h1>");
  CHECK(fill("{request_id}") == "before id&#39;&lt;x&gt;");
  CHECK(fill("{ {stat {status {Status} {{title}} }") ==
        "before { {stat {status {Status} {A &lt;b&gt; &amp; &quot;c&quot;} }");
}
