// listen: of the configuration, and addresses wherever they stand.

#include <array>

#include "config/load_parts.hpp"

namespace keepsake {
namespace {

void load_tls_files(Section& section, TlsFiles& files) {
  section.text("certificate", files.certificate);
  section.text("key", files.key);
}

// The pair that stands in the section itself comes first: it serves clients that name no host.
void load_tls(const Value& value, ListenTls& tls) {
  constexpr std::array<std::string_view, 2> demands{"optional", "required"};
  Section section{value};
  TlsFiles first;
  load_tls_files(section, first);
  const auto more = section.find("certificates");
  if (!more || first != TlsFiles{}) {
    tls.certificates.push_back(std::move(first));
  }
  if (more) {
    for (const Value& item : more->items("certificates, as in - {certificate: FILE, key: FILE}")) {
      Section pair{item};
      load_tls_files(pair, tls.certificates.emplace_back());
      pair.finish();
    }
    if (more->is_list() && more->node().items.empty()) {
      more->fail("is empty, expected for example [{certificate: /etc/b.crt, key: /etc/b.key}]");
    }
  }
  section.text("client_ca", tls.client_ca);
  section.choice("client_certificate", tls.client_required, demands);
  section.text("client_subject_header", tls.client_subject_header);
  section.finish();
}

void load_redirect(const Value& value, std::optional<std::uint16_t>& port) {
  constexpr std::string_view what = "true, false or the port where https is, 1 to 65535";
  constexpr std::uint16_t https = 443;
  if (!value.is_plain()) {
    value.expected(what);
    return;
  }
  const auto text = value.scalar(what);
  if (!text || *text == "false") {
    return;
  }
  if (*text == "true") {
    port = https;
  } else if (text->find_first_not_of("0123456789") != std::string::npos) {
    value.fail(value.quote(*text) + " is not " + std::string{what});
  } else if (const auto number = read_number(value, 1, 65'535)) {
    port = static_cast<std::uint16_t>(*number);
  }
}

// Three octal digits, as chmod takes them; YAML's own idea of 0660 (a number) is the same digits.
void load_mode(const Value& value, std::optional<unsigned>& mode) {
  constexpr std::string_view what = "three octal digits in quotes, as in \"0660\"";
  const auto text = value.scalar(what);
  if (!text) {
    return;
  }
  std::string_view digits = *text;
  if (digits.size() == 4 && digits.starts_with('0')) {
    digits.remove_prefix(1);
  }
  if (digits.size() != 3 || digits.find_first_not_of("01234567") != std::string_view::npos) {
    value.fail(value.quote(*text) + " is no mode, expected " + std::string{what});
    return;
  }
  unsigned bits = 0;
  for (const char digit : digits) {
    bits = bits * 8 + static_cast<unsigned>(digit - '0');
  }
  mode = bits;
}

// `more`: what else could stand here.
void load_network(const Value& item, const std::string& text, std::string_view more,
                  std::vector<Cidr>& networks) {
  if (const auto cidr = parse_cidr(text)) {
    networks.push_back(*cidr);
    return;
  }
  const bool host_bits = parse_ip(text.substr(0, text.find('/'))).has_value();
  item.fail(item.quote(text) + " is no network" +
            (host_bits
                 ? ": the prefix is out of range or bits behind it are set"
                 : ", expected for example 10.0.0.0/8 or \"2001:db8::/32\"" + std::string{more}));
}

void load_listener(const Value& value, ListenConfig& listener) {
  Section section{value};
  if (const auto address = section.find("address")) {
    read_socket_address(*address, listener.address);
  } else if (section.is_map()) {
    section.fail("address is missing, expected for example address: 0.0.0.0:8080");
  }
  section.boolean("proxy_protocol", listener.proxy_protocol);
  section.boolean("http2", listener.http2);
  if (const auto tls = section.find_optional("tls")) {
    load_tls(*tls, listener.tls.emplace());
  }
  if (const auto redirect = section.find("redirect_to_https")) {
    load_redirect(*redirect, listener.redirect_to_https);
  }
  if (const auto mode = section.find_optional("mode")) {
    load_mode(*mode, listener.mode);
  }
  section.finish();
}

}  // namespace

void load_listeners(const Value& value, std::vector<ListenConfig>& listeners) {
  for (const Value& item : value.items("listeners, as in - address: 0.0.0.0:8080")) {
    load_listener(item, listeners.emplace_back());
  }
}

void load_networks(const Value& value, std::vector<Cidr>& networks) {
  for (const Value& item : value.items("addresses or CIDR blocks")) {
    if (const auto text = item.text("an address or a CIDR block, as in 10.0.0.0/8")) {
      load_network(item, *text, "", networks);
    }
  }
}

void load_trusted_proxies(const Value& value, Config& config) {
  for (const Value& item : value.items("addresses or CIDR blocks")) {
    const auto text = item.text("an address, a CIDR block as in 10.0.0.0/8, or unix");
    if (text && *text == "unix") {
      config.trust_unix = true;
    } else if (text) {
      load_network(item, *text, ", or unix for all peers on unix sockets", config.trusted_proxies);
    }
  }
}

bool read_socket_address(const Value& value, SocketAddress& address) {
  const auto text = value.text("host:port, [v6]:port or unix:/path");
  if (!text) {
    return false;
  }
  std::string error;
  if (auto parsed = parse_socket_address(*text, error)) {
    address = std::move(*parsed);
    return true;
  }
  value.fail(value.quote(*text) + " is no address: " + error);
  return false;
}

}  // namespace keepsake
