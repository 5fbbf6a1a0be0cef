#include "exchange/move_locations.hpp"

#include "backend/server_authority.hpp"
#include "exchange/request_head.hpp"
#include "exchange/services.hpp"
#include "http/moved_url.hpp"
#include "http/path_prefix.hpp"

namespace keepsake {

namespace {

// Where several paths lead to one of the backend, the response is for the way that the request
// came.
std::string_view prefix_of_client(const Exchange& x) {
  const std::string& prefix = x.route->rewrite.strip_prefix;
  const bool stripped = x.path.starts_with(prefix) &&
                        (x.path.size() == prefix.size() || x.path[prefix.size()] == '/');
  return stripped ? std::string_view{prefix} : std::string_view{};
}

SeenAs as_backend_sees(const Exchange& x, const ServerConfig& server, std::string& host) {
  append_backend_host(x, server, host);
  return {server.tls, host, x.route->rewrite.add_prefix};
}

void append_line(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void move_response_lines(Exchange& x) {
  std::string& lines = x.work.moved_lines;
  lines.clear();
  std::string host;
  std::string address;
  append_server_authority(*x.server, address);
  Move move;
  move.client = {x.site.https, x.site.host, prefix_of_client(x)};
  move.backend = as_backend_sees(x, *x.server, host);
  move.server = address;
  std::string& moved = x.work.scratch;
  for (Field& field : x.work.response.fields) {
    if (field.drop || !field.exact) {
      continue;
    }
    const bool is_url = field.id == FieldId::Location || field.id == FieldId::ContentLocation;
    if ((is_url && move_location(field.value, move, moved)) ||
        (field.id == FieldId::SetCookie && move_cookie(field.value, move, moved))) {
      field.drop = true;
      append_line(field.name, moved, lines);
    }
  }
}

void append_destination(const Exchange& x, const ServerConfig& server, std::string& out) {
  const Field* field = x.work.request.find(FieldId::Destination);
  const std::optional<Target> target =
      field == nullptr ? std::nullopt : parse_target({}, field->value);
  if (!target) {
    return;
  }
  std::string normal;
  std::string scratch;
  const std::string_view path = normalise_path(target->path, normal).value_or("/");
  const std::string_view rest =
      strip_prefix(target->path, path, x.route->rewrite.strip_prefix, scratch);
  std::string host;
  std::string value;
  move_destination(rest, target->search, target->form == TargetForm::Absolute,
                   as_backend_sees(x, server, host), value);
  append_line(field->name, value, out);
}

}  // namespace keepsake
