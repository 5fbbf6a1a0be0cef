#include "http/moved_url.hpp"

#include "http/chars.hpp"
#include "http/path_prefix.hpp"

namespace keepsake {
namespace {

// An absolute or network-path reference in its parts.
struct Reference {
  bool https = false;
  std::string_view authority;
  std::string_view rest;  // path, query and fragment
};

bool split(std::string_view value, bool default_https, Reference& out) {
  if (value.starts_with("//")) {
    out.https = default_https;
    value.remove_prefix(2);
  } else if (equals_lower(value.substr(0, 7), "http://")) {
    out.https = false;
    value.remove_prefix(7);
  } else if (equals_lower(value.substr(0, 8), "https://")) {
    out.https = true;
    value.remove_prefix(8);
  } else {
    return false;
  }
  const std::size_t end = value.find_first_of("/?#\\");
  out.authority = value.substr(0, end);
  out.rest = end == std::string_view::npos ? std::string_view{} : value.substr(end);
  return true;
}

// Whether the reference leads to the place that the exchange is about. Servers write the host that
// they were asked for together with the port that they listen at, so either port may be the one.
bool is_here(const Reference& reference, const Move& move) {
  const std::optional<HostPort> theirs = parse_host(reference.authority);
  if (!theirs) {
    return false;
  }
  const unsigned port = port_or(theirs->port, scheme_port(reference.https));
  const std::optional<HostPort> server = parse_host(move.server);
  const bool at_server_port =
      server && port == port_or(server->port, scheme_port(move.backend.https));
  for (const std::string_view authority :
       {move.client.authority, move.backend.authority, move.server}) {
    const std::optional<HostPort> ours = parse_host(authority);
    if (ours && hosts_match(theirs->host, ours->host) &&
        (at_server_port || port == port_or(ours->port, scheme_port(reference.https)))) {
      return true;
    }
  }
  return false;
}

// A path of the backend, with what follows it, as the client asks for it.
void append_path(std::string_view rest, const Move& move, std::string& out) {
  const std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  if (!is_at_or_below(path, move.backend.prefix)) {
    out.append(rest);
    return;
  }
  rest.remove_prefix(move.backend.prefix.size());
  out.append(move.client.prefix);
  if (!rest.starts_with('/') && path.empty()) {
    out.append("/");
  } else if (!rest.starts_with('/') && move.client.prefix.empty()) {
    out.append("/");
  }
  out.append(rest);
}

void append_scheme(bool https, std::string& out) {
  out.append(https ? "https://" : "http://");
}

// The Path of a cookie as the client asks for it; empty where it stays.
std::string_view client_path(std::string_view path, const Move& move, std::string& scratch) {
  const std::string_view prefix = move.backend.prefix;
  scratch.assign(move.client.prefix);
  if (is_at_or_below(path, prefix)) {
    const std::string_view rest = path.substr(prefix.size());
    scratch.append(rest == "/" ? std::string_view{} : rest);
  } else {
    const std::string_view above = path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
    if (!is_at_or_below(prefix, above)) {
      return {};  // of another application on that server
    }
  }
  if (scratch.empty()) {
    scratch = "/";
  }
  return scratch;
}

}  // namespace

bool move_location(std::string_view value, const Move& move, std::string& out) {
  out.clear();
  Reference reference;
  if (!split(value, move.backend.https, reference)) {
    if (value.starts_with('/')) {
      append_path(value, move, out);
    }
    return !out.empty() && out != value;
  }
  if (!is_here(reference, move)) {
    return false;
  }
  // A scheme that is not the one in which the backend was asked is what it wants: https for all.
  if (reference.https != move.backend.https) {
    append_scheme(reference.https, out);
    out.append(reference.authority);
  } else if (!move.client.authority.empty()) {
    append_scheme(move.client.https, out);
    out.append(move.client.authority);
  }
  append_path(reference.rest, move, out);
  return out != value;
}

bool move_cookie(std::string_view value, const Move& move, std::string& out) {
  out.clear();
  if (equals_lower(trim(value).substr(0, 7), "__host-")) {
    return false;
  }
  std::string scratch;
  bool changed = false;
  std::size_t start = 0;
  while (start <= value.size()) {
    const std::size_t end = std::min(value.find(';', start), value.size());
    const std::string_view part = value.substr(start, end - start);
    const std::size_t equals = part.find('=');
    std::string_view path;
    if (start != 0 && equals != std::string_view::npos &&
        equals_lower(trim(part.substr(0, equals)), "path")) {
      path = trim(part.substr(equals + 1));
    }
    const std::string_view moved =
        path.starts_with('/') ? client_path(path, move, scratch) : std::string_view{};
    if (moved.empty() || moved == path) {
      out.append(part);
    } else {
      out.append(part.substr(0, equals + 1)).append(moved);
      changed = true;
    }
    out.append(end < value.size() ? ";" : "");
    start = end + 1;
  }
  return changed;
}

void move_destination(std::string_view path, std::string_view search, bool absolute,
                      const SeenAs& backend, std::string& out) {
  if (absolute) {
    append_scheme(backend.https, out);
    out.append(backend.authority);
  }
  out.append(backend.prefix).append(path);
  if (backend.prefix.empty() && path.empty()) {
    out.append("/");
  }
  out.append(search);
}

}  // namespace keepsake
