#include "exchange/run_show.hpp"

#include "exchange/check_site.hpp"
#include "exchange/set_cookie.hpp"
#include "http/error_page.hpp"
#include "http/value_encoding.hpp"

namespace keepsake {

namespace {

void append_shown(const Exchange& x, std::string& out) {
  std::string_view before = "{";
  for (const std::string& key : x.route->show) {
    if (const std::optional<std::string_view> value = x.work.session.find(key)) {
      out.append(before);
      append_json_string(key, out);
      out.append(":");
      append_json_string(*value, out);
      before = ",";
    }
  }
  out.append(before == "{" ? "{}\n" : "}\n");
}

}  // namespace

Fault run_show(Exchange& x) {
  if (const Fault fault = check_site(x); fault != Fault::None) {
    return fault;
  }
  x.work.body.clear();
  append_shown(x, x.work.body);
  x.reply.status = 200;
  x.reply.reason = reason_phrase(200);
  x.reply.content_type = "application/json";
  // No other site may even try to read it as a script or an image (Fetch 3.7).
  x.work.session_lines.append("Cross-Origin-Resource-Policy: same-origin\r\n");
  forbid_caching(x);
  return Fault::None;
}

}  // namespace keepsake
