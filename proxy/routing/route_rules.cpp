#include "routing/route_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/header_names.hpp"
#include "http/caching_fields.hpp"
#include "http/chars.hpp"

namespace keepsake {

namespace {

// What tells one rule from all others, whatever else a reload changes: FNV-1a of its text.
std::uint64_t rule_id(const RouteConfig& route, const RateLimit& limit) {
  std::string text =
      fmt::format("{}\n{}\n{} {} {} {}", route.host.value_or(""), route.path,
                  static_cast<int>(limit.per), limit.requests, limit.every.count(), limit.burst);
  for (const std::string& method : route.methods) {
    text.append("\n").append(method);
  }
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

// Whether the route has a Cache-Control of its own.
bool says_how_to_cache(const RouteConfig& route) {
  const auto is_cache_control = [](const HeaderValue& header) {
    return equals_lower(header.name, "cache-control");
  };
  const std::vector<HeaderValue>& all = route.response_headers;
  const std::vector<HeaderValue>& backend = route.rewrite.set_response_headers;
  return std::any_of(all.begin(), all.end(), is_cache_control) ||
         std::any_of(backend.begin(), backend.end(), is_cache_control);
}

void append_line(const HeaderValue& header, std::string& out) {
  out.append(header.name).append(": ").append(header.value).append("\r\n");
}

}  // namespace

void HeaderNames::add(std::string_view name) {
  folded_.push_back(fold_header_name(name));
}

bool HeaderNames::has(std::string_view name) const {
  return std::any_of(folded_.begin(), folded_.end(), [name](const std::string& folded) {
    return folded.size() == name.size() && std::equal(name.begin(), name.end(), folded.begin(),
                                                      [](char a, char b) { return fold(a) == b; });
  });
}

RouteRules::RouteRules(const Config& config) : limits(config.limits), timeouts(config.timeouts) {}

// The validation has refused the names that Keepsake decides. They are left out here once more:
// what a mistake there would open is the framing of messages and who believes whom.
RouteRules::RouteRules(const Config& config, const RouteConfig& route) : RouteRules(config) {
  limits.body = route.limits.body.value_or(limits.body);
  limits.form = route.limits.form.value_or(limits.form);
  timeouts.body = route.timeouts.body.value_or(timeouts.body);
  timeouts.idle = route.timeouts.idle.value_or(timeouts.idle);
  timeouts.connect = route.timeouts.connect.value_or(timeouts.connect);
  timeouts.response = route.timeouts.response.value_or(timeouts.response);
  timeouts.write = route.timeouts.write.value_or(timeouts.write);

  guarded = !route.allow.empty() || !route.deny.empty();
  for (const RateLimit& limit : route.rate_limits) {
    rates.emplace_back(limit, rule_id(route, limit));
    (limit.per == RateLimit::Per::Client ? guarded : session_guarded) = true;
  }
  session_guarded = session_guarded || !route.require.empty();
  is_private = !route.require.empty() && !says_how_to_cache(route);

  const RewriteConfig& rewrite = route.rewrite;
  rewrites_target = !rewrite.strip_prefix.empty() || !rewrite.add_prefix.empty();
  const auto injected = injected_headers(config);
  const auto ours = [&](const std::string& name, bool in_requests) {
    return injected.count(fold_header_name(name)) != 0 ||
           (in_requests ? is_decided_in_requests(name, config)
                        : is_decided_in_responses(name, route.session));
  };
  for (const HeaderValue& header : rewrite.set_request_headers) {
    if (!ours(header.name, true)) {
      request_names.add(header.name);
      append_line(header, request_lines);
    }
  }
  for (const std::string& name : rewrite.remove_request_headers) {
    if (!ours(name, true)) {
      request_names.add(name);
    }
  }
  const auto add_response_line = [&](const HeaderValue& header, std::string& out) {
    if (!ours(header.name, false)) {
      response_names.add(header.name);
      append_line(header, is_about_caching(header.name) ? caching_lines : out);
    }
  };
  for (const HeaderValue& header : rewrite.set_response_headers) {
    add_response_line(header, backend_lines);
  }
  for (const HeaderValue& header : route.response_headers) {
    add_response_line(header, lines);
  }
  moves_locations = rewrite.location;
  adds_lines =
      moves_locations || !(lines.empty() && backend_lines.empty() && caching_lines.empty());
  for (const std::string& name : rewrite.remove_response_headers) {
    if (!ours(name, false)) {
      response_names.add(name);
    }
  }
}

}  // namespace keepsake
