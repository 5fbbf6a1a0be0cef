#include "server/route_table.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "http/chars.hpp"

namespace keepsake {

namespace {

bool takes(const RouteConfig& route, std::string_view method) {
  return route.methods.empty() ||
         std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

// Adds the methods of `route` to the list `allow`, each once.
void add_methods(const RouteConfig& route, std::string& allow) {
  for (const std::string& method : route.methods) {
    bool there = false;
    for_each_list_element(allow, [&](std::string_view m) { there = there || m == method; });
    if (!there) {
      allow.append(allow.empty() ? "" : ", ").append(method);
    }
  }
}

}  // namespace

RouteTable::RouteTable(const std::vector<RouteConfig>& routes) : routes_(routes) {
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const std::string& path = routes[i].path;
    if (path.ends_with("/*")) {
      const std::string prefix = path.substr(0, path.size() - 2);
      prefix_[prefix].push_back(i);
      prefix_lengths_.push_back(prefix.size());
    } else {
      exact_[path].push_back(i);
    }
  }
  std::sort(prefix_lengths_.begin(), prefix_lengths_.end());
  prefix_lengths_.erase(std::unique(prefix_lengths_.begin(), prefix_lengths_.end()),
                        prefix_lengths_.end());
}

RouteTable::Match RouteTable::find(std::string_view host, std::string_view path,
                                   std::string_view method) const {
  // The ascending index lists whose path matches; they are merged below. A path has at most one
  // exact list and one list per length of prefix.
  struct Cursor {
    const std::uint32_t* at;
    const std::uint32_t* end;
  };
  constexpr std::size_t kUsual = 16;
  std::array<Cursor, kUsual> few;  // NOLINT: filled up to `count`
  std::vector<Cursor> many;
  Cursor* cursors = few.data();
  if (prefix_lengths_.size() + 1 > kUsual) {
    many.resize(prefix_lengths_.size() + 1);
    cursors = many.data();
  }
  std::size_t count = 0;
  const auto add = [&](const std::vector<std::uint32_t>& list) {
    cursors[count++] = {list.data(), list.data() + list.size()};
  };
  if (!exact_.empty()) {
    if (const auto found = exact_.find(path); found != exact_.end()) {
      add(found->second);
    }
  }
  for (const std::size_t length : prefix_lengths_) {
    if (length > path.size()) {
      break;
    }
    if (length == path.size() || path[length] == '/') {
      if (const auto found = prefix_.find(path.substr(0, length)); found != prefix_.end()) {
        add(found->second);
      }
    }
  }

  Match match;
  while (true) {
    Cursor* lowest = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (cursors[i].at != cursors[i].end && (lowest == nullptr || *cursors[i].at < *lowest->at)) {
        lowest = &cursors[i];
      }
    }
    if (lowest == nullptr) {
      return match;
    }
    const RouteConfig& route = routes_[*lowest->at++];
    if (route.host && *route.host != host) {
      continue;
    }
    if (takes(route, method)) {
      match.outcome = Outcome::Found;
      match.route = &route;
      return match;
    }
    match.outcome = Outcome::MethodNotAllowed;
    add_methods(route, match.allow);
    if (route.kind != RouteConfig::Kind::Backend) {
      match.route = &route;
      match.allow.clear();
      add_methods(route, match.allow);
      return match;
    }
  }
}

}  // namespace keepsake
