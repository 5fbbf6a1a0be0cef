#include "exchange/client_address.hpp"

#include <arpa/inet.h>

#include <array>

#include "exchange/services.hpp"
#include "http/forwarded.hpp"

namespace keepsake {

namespace {

// Lines of a field that are looked at, from the last; a proxy adds to a line or adds one.
constexpr std::size_t kMostLines = 16;

IpAddress told_address(const Exchange& x) {
  const RequestHead& head = x.work.request;
  const Hop peer{x.client.peer.address, x.client.peer.trusted};
  const bool has_for = head.has(FieldId::XForwardedFor);
  const FieldId id = has_for ? FieldId::XForwardedFor : FieldId::Forwarded;
  if (!head.has(id)) {
    return peer.address;
  }
  std::array<std::string_view, kMostLines> lines;
  std::size_t first = kMostLines;
  for (auto field = head.fields.rbegin(); field != head.fields.rend() && first != 0; ++field) {
    if (field->id == id && field->exact) {
      lines[--first] = field->value;
    }
  }
  const std::span<const std::string_view> found{lines.data() + first, kMostLines - first};
  const std::vector<Cidr>& trusted = x.view->config().trusted_proxies;
  return has_for ? client_address(peer, trusted, found)
                 : forwarded_client_address(peer, trusted, found);
}

}  // namespace

const IpAddress& client_address(Exchange& x) {
  if (!x.address) {
    x.address = x.client.peer.trusted && x.head_read ? told_address(x) : x.client.peer.address;
  }
  return *x.address;
}

bool has_client_address(Exchange& x) {
  return !x.client.peer.is_unix || client_address(x) != IpAddress{};
}

std::string_view client_text(Exchange& x) {
  const Peer& peer = x.client.peer;
  if (!peer.trusted || client_address(x) == peer.address) {
    return peer.text;
  }
  const bool v4 = x.address->is_v4();
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4 ? AF_INET : AF_INET6, x.address->bytes.data() + (v4 ? 12 : 0), text.data(),
            text.size());
  return x.work.client.assign(text.data());  // keeps its memory, unlike a string of its own
}

}  // namespace keepsake
