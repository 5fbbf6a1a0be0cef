#include "exchange/redirect_to_https.hpp"

#include "exchange/services.hpp"
#include "http/error_page.hpp"
#include "http/host.hpp"

namespace keepsake {

namespace {

constexpr std::uint16_t kHttps = 443;

// The request has come to the very port that speaks https, by whichever number the client knows it.
void append_own_port(const Exchange& x, std::string& location) {
  const Field* host = x.work.request.find(FieldId::Host);
  std::string_view authority = x.target.authority;
  if (authority.empty() && host != nullptr) {
    authority = host->value;
  }
  if (const auto parsed = parse_host(authority);
      parsed && !parsed->port.empty() && parsed->port != "443") {
    location.append(":").append(parsed->port);
  }
}

}  // namespace

bool wants_https(const Exchange& x) {
  return x.client.https_port != 0 && !x.site.https;
}

Fault redirect_to_https(Exchange& x) {
  if (x.site.name.empty()) {
    return Fault::BadHost;  // HTTP/1.0 may leave it out, and then there is no address to go to
  }
  std::string& location = x.work.scratch;
  location.assign("https://").append(x.site.name);
  if (x.client.https_port != kHttps) {
    location.append(":").append(std::to_string(x.client.https_port));
  } else if (x.client.plain_at_tls) {
    append_own_port(x, location);
  }
  const std::string_view target =
      x.target.form == TargetForm::Asterisk ? std::string_view{} : x.target.origin;
  if (!target.starts_with('/')) {
    location.append("/");
  }
  location.append(target);
  x.reply.status = 308;  // RFC 9110 15.4.9: the same method again
  x.reply.reason = reason_phrase(308);
  x.reply.location = location;
  x.work.body.clear();
  return Fault::None;
}

}  // namespace keepsake
