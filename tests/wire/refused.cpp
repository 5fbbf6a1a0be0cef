#include "wire/refused.hpp"

#include <stdexcept>

namespace keepsake::test {

Message refused(const Proxy& proxy, Backend& backend, std::string_view bytes) {
  Link client = proxy.connect();
  client.send(bytes);
  Message response = client.read_response(bytes.starts_with("HEAD "));
  const std::string more = client.read_to_end();
  if (!more.empty()) {
    throw std::runtime_error("more than one response to:\n" + escaped(bytes) + "namely:\n" +
                             escaped(response.head) + escaped(more));
  }
  if (backend.has_connection()) {
    throw std::runtime_error("the backend was contacted for:\n" + escaped(bytes));
  }
  return response;
}

std::string post(std::string_view lines, std::string_view body) {
  std::string request = "POST / HTTP/1.1\r\nHost: a.example\r\n";
  return request.append(lines).append("\r\n").append(body);
}

}  // namespace keepsake::test
