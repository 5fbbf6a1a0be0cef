// The rules for listen, and for the addresses that are trusted.

#include <algorithm>
#include <set>

#include "config/header_names.hpp"
#include "config/validate.hpp"
#include "http/chars.hpp"

namespace keepsake {
namespace {

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

// Two listeners that the kernel will not give us both. Port 0 is a fresh one each time.
bool collide(const SocketAddress& a, const SocketAddress& b) {
  if (a.kind != b.kind) {
    return false;
  }
  if (a.kind == SocketAddress::Kind::Unix) {
    return a.path == b.path;
  }
  if (a.port != b.port || a.port == 0) {
    return false;
  }
  const auto ip_a = parse_ip(a.host);
  const auto ip_b = parse_ip(b.host);
  if (!ip_a || !ip_b) {
    return a.host == b.host;
  }
  return *ip_a == *ip_b ||
         (ip_a->is_v4() == ip_b->is_v4() && (is_wildcard(a.host) || is_wildcard(b.host)));
}

bool is_set(const SocketAddress& address) {
  return !address.host.empty() || !address.path.empty();
}

// A pair of a listener; `place` has the keys certificate and key.
std::optional<CertificateFacts> validate_pair(const TlsFiles& tls, const std::string& place,
                                              const Environment& environment, Report& report) {
  const auto check = [&](std::string_view key, const std::string& file, std::string_view what) {
    const std::string key_path = join_path(place, key);
    if (file.empty()) {
      report.problem(report.has(key_path) ? key_path : place,
                     std::string{key} + " is missing, expected the path of " + std::string{what});
    } else {
      validate_file(file, key_path, environment, report);
    }
  };
  check("certificate", tls.certificate, "a PEM file with the certificate chain");
  check("key", tls.key, "a PEM file with the private key");
  return tls.certificate.empty() || tls.key.empty()
             ? std::nullopt
             : validate_identity(tls, place, environment, report);
}

void validate_client_certificates(const Config& config, const ListenTls& tls,
                                  const std::string& place, const Environment& environment,
                                  Report& report) {
  if (tls.client_ca.empty()) {
    for (const std::string_view key : {"client_certificate", "client_subject_header"}) {
      if (report.has(join_path(place, key))) {
        report.problem(join_path(place, key),
                       "needs client_ca: without it no client is asked for a certificate");
      }
    }
    return;
  }
  validate_file(tls.client_ca, place + ".client_ca", environment, report);
  validate_authorities(tls.client_ca, place + ".client_ca", environment, report);
  const std::string& name = tls.client_subject_header;
  const std::string header = place + ".client_subject_header";
  if (!is_token(name)) {
    report.problem(header, "is no header name, expected letters, digits and -");
    return;
  }
  if (is_reserved_for_injection(name)) {
    report.problem(header,
                   "no subject may stand in this header, nor in one that a backend could take for "
                   "it: the proxy reads or writes it itself");
  }
  for (const SessionHeader& session : config.session.headers) {
    if (fold_header_name(session.name) == fold_header_name(name)) {
      report.problem(
          header, "a backend could take it for " + session.name + ", which holds a session value");
    }
  }
}

void validate_tls(const Config& config, const ListenTls& tls, const std::string& place,
                  const Environment& environment, Report& report) {
  if (report.is_bad(place + ".certificates")) {
    return;
  }
  // The first pair stands in the section itself unless all of them are in the list.
  const bool listed = report.has(place + ".certificates");
  const std::size_t outside =
      !listed || report.has(place + ".certificate") || report.has(place + ".key") ? 1 : 0;
  const auto where = [&](std::size_t i) {
    return i < outside ? place : join_path(place + ".certificates", i - outside);
  };
  std::vector<CertificateFacts> facts;
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    if (auto one = validate_pair(tls.certificates[i], where(i), environment, report)) {
      facts.push_back(std::move(*one));
    }
  }
  if (facts.size() == tls.certificates.size()) {
    for (const std::size_t i : unused_certificates(facts)) {
      report.warning(where(i) + ".certificate",
                     "the certificate " + tls.certificates[i].certificate +
                         " is never shown: an earlier one with the same kind of key has its names");
    }
  }
  validate_client_certificates(config, tls, place, environment, report);
}

// A FieldTable has room for a bounded number of names.
void validate_subject_headers(const Config& config, Report& report) {
  constexpr std::size_t most = 16;
  std::set<std::string> names;
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const auto& tls = config.listen[i].tls;
    if (tls && !tls->client_ca.empty()) {
      names.insert(fold_header_name(tls->client_subject_header));
      if (names.size() > most) {
        report.problem(join_path("listen", i) + ".tls.client_subject_header",
                       "is the name number 17, expected at most 16 different ones");
        return;
      }
    }
  }
}

void validate_mode(const ListenConfig& listener, const std::string& place, Report& report) {
  if (!listener.mode) {
    return;
  }
  if (listener.address.kind != SocketAddress::Kind::Unix && is_set(listener.address)) {
    report.problem(place, "only the file of a unix socket has a mode");
  }
}

// Permission to open the socket is permission to name any client.
void validate_unix_trust(const Config& config, Report& report) {
  constexpr unsigned others_may_write = 02;
  bool any = false;
  for (std::size_t i = 0; config.trust_unix && i < config.listen.size(); ++i) {
    const ListenConfig& listener = config.listen[i];
    const bool is_unix = listener.address.kind == SocketAddress::Kind::Unix;
    any = any || is_unix;
    if (is_unix && listener.mode && (*listener.mode & others_may_write) != 0) {
      report.warning(join_path("listen", i) + ".mode",
                     "lets every user of this machine open the socket, and trusted_proxies has "
                     "unix: each of them can name any client address, scheme and host");
    }
  }
  if (config.trust_unix && !any) {
    report.warning("trusted_proxies", "has unix, and no listener is a unix socket");
  }
}

}  // namespace

void validate_listeners(const Config& config, const Environment& environment, Report& report) {
  if (config.listen.empty()) {
    report.problem("listen",
                   "is missing or empty, expected for example listen: [{address: "
                   "\"0.0.0.0:8080\"}]");
  }
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenConfig& listener = config.listen[i];
    const std::string path = join_path("listen", i);
    for (std::size_t j = 0; j < i; ++j) {
      if (is_set(listener.address) && collide(listener.address, config.listen[j].address)) {
        report.problem(path + ".address",
                       "this address is taken by " + join_path("listen", j) + " already");
        break;
      }
    }
    if (listener.tls) {
      validate_tls(config, *listener.tls, path + ".tls", environment, report);
    }
    validate_mode(listener, path + ".mode", report);
    if (listener.proxy_protocol && listener.address.kind == SocketAddress::Kind::Tcp &&
        config.trusted_proxies.empty()) {
      report.problem(path + ".proxy_protocol",
                     "nobody could connect: a PROXY header is believed from trusted_proxies only, "
                     "and there are none");
    }
    if (config.admin.address && collide(*config.admin.address, listener.address)) {
      report.problem("admin.address", "this address is taken by " + path + " already");
    }
  }
  validate_subject_headers(config, report);
  validate_unix_trust(config, report);
  for (std::size_t i = 0; i < config.trusted_proxies.size(); ++i) {
    if (config.trusted_proxies[i].prefix == 0 || config.trusted_proxies[i].prefix == 96) {
      report.warning(join_path("trusted_proxies", i),
                     "every client is trusted to name its own address, scheme and host");
    }
  }
}

}  // namespace keepsake
