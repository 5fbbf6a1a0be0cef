#include "demo-backend/request.hpp"

#include <cassert>

namespace keepsake::demo {

void RequestParser::on_request_impl(Verb verb, View method, View target, int version,
                                    Error& error) {
  if (verb == Verb::unknown) {
    request_.method_string(method);
  } else {
    request_.method(verb);
  }
  request_.target(target);
  request_.version(static_cast<unsigned>(version));
  error = {};
}

void RequestParser::on_response_impl(int, View, int, Error&) {
  assert(false && "a parser of requests meets no response");
}

void RequestParser::on_field_impl(Field field, View name, View value, Error& error) {
  request_.insert(field, name, value);
  request_.lines.emplace_back(std::string{name}, std::string{value});
  error = {};
}

void RequestParser::on_header_impl(Error& error) {
  error = {};
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>&, Error& error) {
  error = {};  // the announced length is no reason to reserve that much
}

std::size_t RequestParser::on_body_impl(View bytes, Error& error) {
  request_.body().append(bytes.data(), bytes.size());
  error = {};
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, View, Error& error) {
  error = {};
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, View bytes, Error& error) {
  return on_body_impl(bytes, error);
}

void RequestParser::on_finish_impl(Error& error) {
  error = {};
}

}  // namespace keepsake::demo
