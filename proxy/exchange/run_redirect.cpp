#include "exchange/run_redirect.hpp"

#include "exchange/services.hpp"
#include "http/error_page.hpp"

namespace keepsake {

namespace {

constexpr std::string_view kBelow = "/*";

// The redirect as configured, with what stands below the route's prefix in place of "*".
Fault append_place(const Exchange& x, std::string_view redirect, std::string& out) {
  const std::string_view pattern = x.route->path;
  if (!redirect.ends_with(kBelow) || !pattern.ends_with(kBelow)) {
    out.append(redirect);
    return Fault::None;
  }
  redirect.remove_suffix(kBelow.size());
  const std::string_view rest = x.path.substr(pattern.size() - kBelow.size());
  // Browsers take "//a" and "/\a" for another host: /old//a must not become one.
  if (redirect.empty() && (rest.starts_with("//") || rest.starts_with("/\\"))) {
    return Fault::BadTarget;
  }
  out.append(redirect).append(rest);
  const bool has_path = redirect.starts_with('/') || !rest.empty() ||
                        redirect.find('/', redirect.find("//") + 2) != std::string_view::npos;
  out.append(has_path ? "" : "/");
  return Fault::None;
}

}  // namespace

Fault run_redirect(Exchange& x) {
  const std::string_view redirect = x.route->redirect;
  const std::size_t hash = redirect.find('#');
  std::string& location = x.work.scratch;
  location.clear();
  if (const Fault fault = append_place(x, redirect.substr(0, hash), location);
      fault != Fault::None) {
    return fault;
  }
  if (!x.target.query.empty()) {
    const bool has_query = redirect.substr(0, hash).find('?') != std::string_view::npos;
    location.append(has_query ? "&" : "?").append(x.target.query);
  }
  location.append(hash == std::string_view::npos ? std::string_view{} : redirect.substr(hash));
  x.reply.status = x.route->status;
  x.reply.reason = reason_phrase(x.route->status);
  x.reply.location = location;
  x.reply.cacheable = true;  // 301 and 308 are by themselves, the others are not (RFC 9110 15.4)
  x.work.body.clear();
  return Fault::None;
}

}  // namespace keepsake
