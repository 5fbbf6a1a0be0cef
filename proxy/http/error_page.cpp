#include "http/error_page.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "http/chars.hpp"
#include "http/value_encoding.hpp"
#include "http/weight.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kPageStart = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>)";

// Contrast is at least 7:1 in both schemes (WCAG 2.2, 1.4.6); nothing is fetched.
constexpr std::string_view kPageStyle = R"(</title>
<style>
:root { --ground: #f6f5f1; --card: #ffffff; --ink: #22262b; --quiet: #4c535b; --line: #dcd9d0; --mark: #9a3412 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #15171a; --card: #1e2125; --ink: #eceae4; --quiet: #b7bcc3; --line: #33383e; --mark: #fdba74 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem;
  background: var(--ground); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif }
main { width: 100%; max-width: 32rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem }
.status { margin: 0; color: var(--mark); font-weight: 600; letter-spacing: .06em }
h1 { margin: .25rem 0 .75rem; font-size: 1.75rem; line-height: 1.25; overflow-wrap: anywhere }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.id { margin: 1.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .875rem }
code { font-family: ui-monospace, monospace }
</style>
</head>
<body>
<main>
<p class="status">)";

void append_html(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

void append_page(unsigned status, std::string_view title, std::string_view detail,
                 std::string_view request_id, std::string& out) {
  out += kPageStart;
  append_html(title, out);
  out += kPageStyle;
  fmt::format_to(std::back_inserter(out), "{}</p>\n<h1>", status);
  append_html(title, out);
  out += "</h1>\n";
  if (!detail.empty()) {
    out += "<p>";
    append_html(detail, out);
    out += "</p>\n";
  }
  if (!request_id.empty()) {
    out += "<p class=\"id\">Request <code>";
    append_html(request_id, out);
    out += "</code></p>\n";
  }
  out += "</main>\n</body>\n</html>\n";
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  if (!value.empty()) {
    out += ",\"";
    out += name;
    out += "\":";
    append_json_string(value, out);
  }
}

// How much an Accept field wants one media type: the most specific range that covers it counts.
struct Wish {
  std::string_view type;
  std::string_view range;  // "text/*"
  int specificity = -1;    // 0 for */*, 1 for the range, 2 for the type itself
  unsigned weight = 0;

  void consider(std::string_view found, unsigned found_weight) {
    const int how = equals_lower(found, type)    ? 2
                    : equals_lower(found, range) ? 1
                    : found == "*/*"             ? 0
                                                 : -1;
    if (how > specificity) {
      specificity = how;
      weight = found_weight;
    }
  }
};

const Wish& better(const Wish& a, const Wish& b) {
  return std::pair{a.weight, a.specificity} < std::pair{b.weight, b.specificity} ? b : a;
}

}  // namespace

void append_error_body(unsigned status, std::string_view title, std::string_view detail,
                       std::string_view request_id, bool html, std::string& out) {
  if (html) {
    append_page(status, title, detail, request_id, out);
    return;
  }
  fmt::format_to(std::back_inserter(out), "{{\"status\":{}", status);
  append_member("title", title, out);
  append_member("detail", detail, out);
  append_member("request_id", request_id, out);
  out += "}\n";
}

void append_own_page(std::string_view page, unsigned status, std::string_view title,
                     std::string_view request_id, std::string& out) {
  constexpr std::string_view kStatus = "{status}";
  constexpr std::string_view kTitle = "{title}";
  constexpr std::string_view kRequestId = "{request_id}";
  while (true) {
    const std::size_t brace = page.find('{');
    out += page.substr(0, brace);
    if (brace == std::string_view::npos) {
      return;
    }
    page.remove_prefix(brace);
    if (page.starts_with(kStatus)) {
      fmt::format_to(std::back_inserter(out), "{}", status);
      page.remove_prefix(kStatus.size());
    } else if (page.starts_with(kTitle)) {
      append_html(title, out);
      page.remove_prefix(kTitle.size());
    } else if (page.starts_with(kRequestId)) {
      append_html(request_id, out);
      page.remove_prefix(kRequestId.size());
    } else {
      out += '{';
      page.remove_prefix(1);
    }
  }
}

bool prefers_html(std::string_view accept) {
  std::array<Wish, 4> wishes{{{"text/html", "text/*"},
                              {"application/xhtml+xml", "application/*"},
                              {"application/problem+json", "application/*"},
                              {"application/json", "application/*"}}};
  for_each_list_element(accept, [&](std::string_view element) {
    const std::size_t end = element.find(';');
    const auto weight =
        read_weight(end == std::string_view::npos ? std::string_view{} : element.substr(end + 1));
    if (weight) {
      for (Wish& wish : wishes) {
        wish.consider(trim(element.substr(0, end)), *weight);
      }
    }
  });
  if (wishes[1].specificity < 2) {  // a wildcard does not ask for XHTML
    wishes[1].weight = 0;
    wishes[1].specificity = -1;
  }
  const Wish& page = better(wishes[0], wishes[1]);
  const Wish& json = better(wishes[2], wishes[3]);
  return page.weight > 0 && page.specificity > 0 && page.weight >= json.weight;
}

// clang-format off
std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 508: return "Loop Detected";
    default: return "Error";
  }
}
// clang-format on

}  // namespace keepsake
