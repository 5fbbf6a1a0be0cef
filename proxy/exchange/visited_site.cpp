#include "exchange/visited_site.hpp"

#include <cstring>

#include "exchange/services.hpp"
#include "http/forwarded.hpp"
#include "http/host.hpp"
#include "http/origin.hpp"

namespace keepsake {

namespace {

// Of a host that parse_host has accepted.
std::string_view port_of(std::string_view host) {
  const void* colon = host.empty() ? nullptr : memrchr(host.data(), ':', host.size());
  if (colon == nullptr || host.back() == ']') {
    return {};
  }
  const auto before = static_cast<std::size_t>(static_cast<const char*>(colon) - host.data());
  return without_zeros(host.substr(before + 1));
}

// The last lines of a trusted peer's forwarding headers.
struct Said {
  std::string_view proto, host, port, forwarded;
};

Said last_lines(const RequestHead& head) {
  Said said;
  for (const Field& field : head.fields) {
    if (!field.exact) {
      continue;
    }
    switch (field.id) {
      case FieldId::XForwardedProto:
        said.proto = last_list_element(field.value);
        break;
      case FieldId::XForwardedHost:
        said.host = last_list_element(field.value);
        break;
      case FieldId::XForwardedPort:
        said.port = last_list_element(field.value);
        break;
      case FieldId::Forwarded:
        said.forwarded = field.value;
        break;
      default:
        break;
    }
  }
  return said;
}

void take_host(Exchange& x, std::string_view host) {
  const std::optional<HostPort> parsed = parse_host(host);
  if (!parsed) {
    return;
  }
  fold_host(parsed->host, x.work.visited_host);
  x.site.host = host;
  x.site.name = x.work.visited_host;
  x.site.port = without_zeros(parsed->port);
}

void believe(Exchange& x) {
  const Said said = last_lines(x.work.request);
  const std::string_view proto =
      said.proto.empty() ? last_forwarded_proto(said.forwarded).value_or("") : said.proto;
  x.site.https = proto_is_https(proto).value_or(x.site.https);
  take_host(x, said.host);
  if (const std::string_view port = forwarded_port(said.port); !port.empty()) {
    x.site.port = port;
  }
}

}  // namespace

std::string_view VisitedSite::port_or_scheme() const {
  return port.empty() ? port_of_scheme(https) : port;
}

void find_visited_site(Exchange& x) {
  const Field* host = x.work.request.find(FieldId::Host);
  x.site.host = host != nullptr ? host->value : x.target.authority;
  x.site.name = x.work.host;
  x.site.port = port_of(x.site.host);
  if (x.client.peer.trusted) {
    believe(x);
  }
}

bool client_uses_https(const Exchange& x) {
  return x.client.peer.https || x.site.https;
}

}  // namespace keepsake
