#include "server/redirect_to_https.hpp"

#include "http/error_page.hpp"
#include "server/worker.hpp"

namespace keepsake {

Fault redirect_to_https(Exchange& x) {
  if (x.work.host.empty()) {
    return Fault::BadHost;  // HTTP/1.0 may leave it out, and then there is no address to go to
  }
  std::string& location = x.work.scratch;
  location.assign("https://").append(x.work.host);
  if (x.client.https_port != 443) {
    location.append(":").append(std::to_string(x.client.https_port));
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
