#pragma once
// A request, and the parser that fills it. Beast's own parser keeps header lines of one name
// together; /headers has to show the order in which they came.

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <utility>
#include <vector>

namespace keepsake::demo {

struct Request : boost::beast::http::request<boost::beast::http::string_body> {
  using message::message;
  std::vector<std::pair<std::string, std::string>> lines;  // every header as it came
};

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  Request& request() { return request_; }

 private:
  using Error = boost::beast::error_code;
  using View = boost::beast::string_view;
  using Field = boost::beast::http::field;
  using Verb = boost::beast::http::verb;

  void on_request_impl(Verb verb, View method, View target, int version, Error& error) override;
  void on_response_impl(int status, View reason, int version, Error& error) override;
  void on_field_impl(Field field, View name, View value, Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error& error) override;
  std::size_t on_body_impl(View bytes, Error& error) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, Error& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t left, View bytes, Error& error) override;
  void on_finish_impl(Error& error) override;

  Request request_;
};

}  // namespace keepsake::demo
