#include "routing/route_table.hpp"

#include <algorithm>
#include <array>

#include "http/chars.hpp"
#include "http/fold_path.hpp"

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

// Up to so many routes are looked at one by one, which costs less than to hash the path.
constexpr std::size_t kFewRoutes = 12;

// What PathIndex finds, for one pattern.
bool takes_path(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) {
    return pattern == path;
  }
  pattern.remove_suffix(2);
  return path.starts_with(pattern) &&
         (path.size() == pattern.size() || path[pattern.size()] == '/');
}

// Looks at a route whose path is the request's; true if no later one counts.
bool ends_search(const RouteConfig& route, std::string_view host, std::string_view method,
                 RouteTable::Match& match) {
  if (route.host && *route.host != host) {
    return false;
  }
  if (takes(route, method)) {
    match.outcome = RouteTable::Outcome::Found;
    match.route = &route;
    return true;
  }
  match.outcome = RouteTable::Outcome::MethodNotAllowed;
  add_methods(route, match.allow);
  if (route.kind != RouteConfig::Kind::Set && route.kind != RouteConfig::Kind::Clear) {
    return false;
  }
  match.route = &route;
  match.allow.clear();
  add_methods(route, match.allow);
  return true;
}

}  // namespace

Guard guard_of(const RouteConfig& route) {
  if (!route.allow.empty() || !route.deny.empty() || !route.require.empty()) {
    return Guard::Refusing;
  }
  return route.rate_limits.empty() ? Guard::None : Guard::Rates;
}

void PathIndex::add(std::string_view pattern, std::uint32_t route) {
  if (pattern.ends_with("/*")) {
    pattern.remove_suffix(2);
    prefix_[std::string{pattern}].push_back(route);
    prefix_lengths_.push_back(pattern.size());
  } else {
    exact_[std::string{pattern}].push_back(route);
  }
}

void PathIndex::finish() {
  std::sort(prefix_lengths_.begin(), prefix_lengths_.end());
  prefix_lengths_.erase(std::unique(prefix_lengths_.begin(), prefix_lengths_.end()),
                        prefix_lengths_.end());
}

std::size_t PathIndex::lists_of(std::string_view path, Cursor* out) const {
  std::size_t count = 0;
  const auto add = [&](const std::vector<std::uint32_t>& list) {
    out[count++] = {list.data(), list.data() + list.size()};
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
  return count;
}

RouteTable::RouteTable(const std::vector<RouteConfig>& routes) : routes_(routes) {
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    plain_.add(routes[i].path, i);
    const std::string folded = fold_pattern(routes[i].path);
    folded_.add(folded, i);
    if (guard_of(routes[i]) != Guard::None) {
      has_guards_ = true;
      guards_fold_ = guards_fold_ || folded != routes[i].path;
    }
  }
  plain_.finish();
  folded_.finish();
}

// A pattern that is in folded form takes a path in folded form exactly when it did so without
// folding, and so does each pattern before it: only another path or pattern needs the second look.
const RouteConfig* RouteTable::guarded_twin(const RouteConfig* first, std::string_view host,
                                            std::string_view path, std::string_view method,
                                            std::string& scratch) const {
  if (!has_guards_ || (!guards_fold_ && is_folded(path))) {
    return nullptr;
  }
  fold_path(path, scratch);
  const Match match = search(folded_, host, scratch, method);
  const bool is_twin = match.outcome == Outcome::Found && match.route != first &&
                       guard_of(*match.route) != Guard::None;
  return is_twin ? match.route : nullptr;
}

RouteTable::Match RouteTable::search(const PathIndex& index, std::string_view host,
                                     std::string_view path, std::string_view method) const {
  Match match;
  if (&index == &plain_ && routes_.size() <= kFewRoutes) {
    for (const RouteConfig& route : routes_) {
      if (takes_path(route.path, path) && ends_search(route, host, method, match)) {
        break;
      }
    }
    return match;
  }

  // The lists are merged below.
  using Cursor = PathIndex::Cursor;
  constexpr std::size_t kUsual = 16;
  std::array<Cursor, kUsual> few;  // NOLINT: filled up to `count`
  std::vector<Cursor> many;
  Cursor* cursors = few.data();
  if (index.most_lists() > kUsual) {
    many.resize(index.most_lists());
    cursors = many.data();
  }
  const std::size_t count = index.lists_of(path, cursors);
  while (true) {
    Cursor* lowest = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (cursors[i].at != cursors[i].end && (lowest == nullptr || *cursors[i].at < *lowest->at)) {
        lowest = &cursors[i];
      }
    }
    if (lowest == nullptr || ends_search(routes_[*lowest->at++], host, method, match)) {
      return match;
    }
  }
}

}  // namespace keepsake
