#include "process/describe.hpp"

#include <fmt/format.h>

#include "config/session_format.hpp"
#include "config/units.hpp"
#include "process/cookie_risks.hpp"
#include "server/server.hpp"
#include "session/codec_factory.hpp"

namespace keepsake {
namespace {

std::string_view store_sentence(SessionStoreKind store) {
  switch (store) {
    case SessionStoreKind::Memory:
      return " for sessions in this process's memory";
    case SessionStoreKind::Redis:
      return " for sessions in redis";
    case SessionStoreKind::Cookie:
      break;
  }
  return "";
}

}  // namespace

bool is_loopback(const SocketAddress& address) {
  if (address.kind == SocketAddress::Kind::Unix || address.host == "localhost") {
    return true;
  }
  const auto ip = parse_ip(address.host);
  return ip && ((ip->is_v4() && ip->bytes[12] == 127) || ip->to_string() == "::1");
}

std::vector<std::string> describe_listeners(const Config& config, const Server* server) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenConfig& listen = config.listen[i];
    SocketAddress address = listen.address;
    if (address.kind == SocketAddress::Kind::Unix) {
      out.push_back(address.to_string());
    } else {
      if (address.port == 0 && server != nullptr) {
        address.port = server->ports()[i];
      }
      out.push_back((listen.tls ? "https://" : "http://") + address.to_string());
      if (server != nullptr && !parse_ip(address.host)) {
        out.back() += fmt::format(" ({})", fmt::join(server->bound_hosts(i), " and "));
      }
    }
    if (listen.proxy_protocol) {
      out.back() += " (PROXY protocol)";
    }
  }
  return out;
}

std::vector<std::string> describe_backends(const Config& config) {
  std::vector<std::string> out;
  for (const BackendConfig& backend : config.backends) {
    std::string& line = out.emplace_back(backend.name + ":");
    for (const ServerConfig& server : backend.servers) {
      line += ' ' + server.url;
    }
  }
  return out;
}

std::string describe_sessions(const Config& config) {
  const SessionConfig& session = config.session;
  std::string out{to_string(session.format)};
  out += " cookie \"" + session.cookie.name + '"';
  out += store_sentence(session.store);
  out += ", gone after " + format_duration(session.idle_timeout) + " without a visit or " +
         format_duration(session.absolute_timeout) + " in all";
  const auto keys = make_key_ring(session);
  for (std::size_t i = 0; i < session.secrets.size(); ++i) {
    out += i == 0 ? "; key " : ", opens also ";
    out += keys->id_hex(i) + " (" + session.secrets[i].origin + ")";
  }
  return out;
}

std::vector<std::string> risks(const Config& config) {
  std::vector<std::string> out;
  cookie_risks(config, out);
  header_risks(config, out);
  if (config.admin.address && !is_loopback(*config.admin.address)) {
    out.push_back("admin.address: " + config.admin.address->to_string() +
                  ": whoever reaches this address sees metrics and configuration; keep the public "
                  "out, or use 127.0.0.1");
  }
  if (config.limits.connections_per_client > config.limits.connections) {
    out.push_back(
        "limits.connections_per_client: more than limits.connections, so it limits nobody");
  }
  return out;
}

}  // namespace keepsake
