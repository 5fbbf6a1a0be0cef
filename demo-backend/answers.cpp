#include "demo-backend/answers.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "demo-backend/page.hpp"

namespace keepsake::demo {
namespace {

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view text = "text/plain; charset=utf-8";

std::optional<std::uint64_t> parse_number(std::string_view digits, std::uint64_t largest) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value > largest) {
    return std::nullopt;
  }
  return value;
}

// A header's value as JSON can carry it: bytes that are no UTF-8 are taken as Latin-1.
std::string to_utf8(std::string_view bytes) {
  if (is_utf8(bytes)) {
    return std::string{bytes};
  }
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

Response form_page(const Request& request) {
  std::optional<std::string> name;
  if (request.count("X-Session-Name") > 1) {
    return refuse(request, http::status::bad_request, "X-Session-Name came more than once.");
  }
  if (const auto header = request.find("X-Session-Name"); header != request.end()) {
    name = decode_session_value(header->value());
    if (!name) {
      return refuse(request, http::status::bad_request,
                    "X-Session-Name is not percent-encoded UTF-8.");
    }
  }
  Response response = make_response(request, http::status::ok, html, render_form(name));
  response.set("Content-Security-Policy",
               "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
               "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  response.set("Referrer-Policy", "same-origin");
  return response;
}

Response received_headers(const Request& request) {
  boost::json::array headers;
  for (const auto& [name, value] : request.lines) {
    headers.push_back({to_utf8(name), to_utf8(value)});
  }
  const boost::json::object received{{"method", std::string_view{request.method_string()}},
                                     {"target", to_utf8(request.target())},
                                     {"headers", std::move(headers)}};
  return make_response(request, http::status::ok, "application/json",
                       boost::json::serialize(received) + "\n");
}

Response counter(const Request& request) {
  const auto header = request.find("X-Session-Counter");
  // One less than the largest number, so that one more is a number too.
  const auto before = header == request.end() ? std::optional<std::uint64_t>{0}
                                              : parse_number(header->value(), UINT64_MAX - 1);
  if (!before || request.count("X-Session-Counter") > 1) {
    return refuse(request, http::status::bad_request, "X-Session-Counter is not a number.");
  }
  const std::string now = std::to_string(*before + 1);
  Response response = make_response(request, http::status::ok, text, now + "\n");
  response.set("X-Session-Set", "counter=" + now);
  return response;
}

Response echo(const Request& request) {
  std::string_view type = request[http::field::content_type];
  return make_response(request, http::status::ok, type.empty() ? "application/octet-stream" : type,
                       request.body());
}

bool is_get(const Request& request) {
  return request.method() == http::verb::get || request.method() == http::verb::head;
}

}  // namespace

Response make_response(const Request& request, http::status status, std::string_view content_type,
                       std::string body) {
  Response response{status, request.version()};
  response.set(http::field::server, "demo-backend");
  response.set(http::field::content_type, content_type);
  response.set("X-Content-Type-Options", "nosniff");
  response.set(http::field::cache_control, "no-cache");
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

Response refuse(const Request& request, http::status status, std::string_view sentence) {
  return make_response(request, status, text, std::string{sentence} + "\n");
}

std::optional<std::uint64_t> number_in_query(urls::url_view url, std::string_view key,
                                             std::uint64_t otherwise, std::uint64_t largest) {
  const auto params = url.params();
  const auto param = params.find(key);
  if (param == params.end()) {
    return otherwise;
  }
  return parse_number((*param).value, largest);
}

Response answer(const Request& request, urls::url_view url) {
  const std::string_view path = url.encoded_path();
  if (path == "/headers") {
    return received_headers(request);
  }
  if (path == "/echo") {
    return echo(request);
  }
  if (path != "/" && path != "/counter" && path != "/healthz") {
    return refuse(request, http::status::not_found, "There is no such page.");
  }
  if (!is_get(request)) {
    Response response =
        refuse(request, http::status::method_not_allowed, "Only GET and HEAD here.");
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  if (path == "/counter") {
    return counter(request);
  }
  return path == "/" ? form_page(request) : make_response(request, http::status::ok, text, "ok\n");
}

}  // namespace keepsake::demo
