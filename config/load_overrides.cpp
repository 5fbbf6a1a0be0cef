// The keys that any kind of route may have: limits and timeouts of its own, headers, and guards.

#include <array>

#include "config/load_parts.hpp"

namespace keepsake {
namespace {

void load_limits(const Value& value, RouteLimits& limits) {
  Section section{value};
  if (const auto body = section.find("body")) {
    limits.body = read_size(*body, 1, largest_body);
  }
  if (const auto form = section.find("form")) {
    limits.form = read_size(*form, 1, largest_form);
  }
  section.finish();
}

void load_timeouts(const Value& value, RouteTimeouts& timeouts) {
  Section section{value};
  const auto wait = [&](std::string_view key, std::optional<Millis>& out, Millis longest) {
    if (const auto time = section.find(key)) {
      out = read_duration(*time, shortest_wait, longest);
    }
  };
  wait("body", timeouts.body, longest_wait);
  wait("idle", timeouts.idle, longest_idle);
  wait("connect", timeouts.connect, longest_wait);
  wait("response", timeouts.response, longest_wait);
  wait("write", timeouts.write, longest_wait);
  section.finish();
}

void load_header_values(const Value& value, std::vector<HeaderValue>& headers) {
  for (const auto& [name, text] :
       read_names(value, "a map of header names to values, as in {X-Frame-Options: DENY}")) {
    HeaderValue& header = headers.emplace_back();
    header.name = name;
    read(text, header.value);
  }
}

void load_header_names(const Value& value, std::vector<std::string>& names) {
  for (const Value& item : value.items("header names, as in [X-Powered-By]")) {
    read(item, names.emplace_back());
  }
}

void load_rewrite(const Value& value, RewriteConfig& rewrite) {
  Section section{value};
  section.text("strip_prefix", rewrite.strip_prefix);
  section.text("add_prefix", rewrite.add_prefix);
  section.boolean("location", rewrite.location);
  if (const auto headers = section.find("set_request_headers")) {
    load_header_values(*headers, rewrite.set_request_headers);
  }
  if (const auto names = section.find("remove_request_headers")) {
    load_header_names(*names, rewrite.remove_request_headers);
  }
  if (const auto headers = section.find("set_response_headers")) {
    load_header_values(*headers, rewrite.set_response_headers);
  }
  if (const auto names = section.find("remove_response_headers")) {
    load_header_names(*names, rewrite.remove_response_headers);
  }
  section.finish();
}

void load_rate_limit(const Value& value, RateLimit& limit) {
  constexpr std::array<std::string_view, 2> pers{"client", "session"};
  constexpr std::uint32_t many = 1'000'000'000;
  Section section{value};
  section.choice("per", limit.per, pers);
  section.number("requests", limit.requests, 1U, many);
  section.duration("every", limit.every, shortest_wait, longest_wait);
  section.number("burst", limit.burst, 1U, many);
  section.finish();
  if (section.is_map() && !value.reading().report.has(join_path(value.path(), "requests"))) {
    section.fail("requests is missing, expected for example {requests: 10, every: 1s}");
  }
}

// One limit may be written without the list.
void load_rate_limits(Section& section, std::vector<RateLimit>& limits) {
  const auto one = section.find("rate_limit");
  const auto several = section.find("rate_limits");
  if (one) {
    load_rate_limit(*one, limits.emplace_back());
  }
  if (several) {
    for (const Value& item : several->items("limits, as in [{requests: 10, every: 1s}]")) {
      load_rate_limit(item, limits.emplace_back());
    }
  }
  if (one && several) {
    one->fail("stands beside rate_limits, expected one of the two");
  }
}

void load_addresses(Section& section, RouteConfig& route) {
  if (const auto deny = section.find("deny")) {
    load_networks(*deny, route.deny);
  }
  if (const auto allow = section.find("allow")) {
    load_networks(*allow, route.allow);
    if (allow->is_list() && allow->node().items.empty()) {
      allow->fail("an empty list says nothing; leave the key out to let everybody in");
    }
  }
}

}  // namespace

void load_route_overrides(Section& section, RouteConfig& route) {
  if (const auto limits = section.find("limits")) {
    load_limits(*limits, route.limits);
  }
  if (const auto timeouts = section.find("timeouts")) {
    load_timeouts(*timeouts, route.timeouts);
  }
  if (const auto rewrite = section.find("rewrite")) {
    load_rewrite(*rewrite, route.rewrite);
  }
  if (const auto headers = section.find("response_headers")) {
    load_header_values(*headers, route.response_headers);
  }
  if (const auto require = section.find("require")) {
    load_require(*require, route.require);
  }
  section.text("else", route.otherwise);
  load_rate_limits(section, route.rate_limits);
  load_addresses(section, route);
}

}  // namespace keepsake
