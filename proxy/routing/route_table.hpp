#pragma once
// The routes, indexed so that finding one does not depend on how many exact paths there are. Pure:
// strings in, an index out. Called by match_route.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

// What keeps requests away from a route: nothing, rate_limits alone, or a rule that some requests
// fail for good. A new kind of guard joins in guard_of.
enum class Guard : std::uint8_t { None, Rates, Refusing };
Guard guard_of(const RouteConfig& route);

// Routes by their paths: an exact path, or a prefix of whole segments.
class PathIndex {
 public:
  void add(std::string_view pattern, std::uint32_t route);
  void finish();  // after the last add

  // One ascending list of routes whose pattern takes the path.
  struct Cursor {
    const std::uint32_t* at;
    const std::uint32_t* end;
  };
  std::size_t most_lists() const { return prefix_lengths_.size() + 1; }
  // Writes at most most_lists() of them; returns how many.
  std::size_t lists_of(std::string_view path, Cursor* out) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
  };
  // Path -> indices of routes in ascending order.
  using Index = std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, Equal>;

  Index exact_;
  Index prefix_;                             // without the trailing "/*"
  std::vector<std::size_t> prefix_lengths_;  // the distinct sizes of its keys, ascending
};

class RouteTable {
 public:
  explicit RouteTable(const std::vector<RouteConfig>& routes);

  enum class Outcome : std::uint8_t { Found, NotFound, MethodNotAllowed };
  struct Match {
    Outcome outcome = Outcome::NotFound;
    const RouteConfig* route = nullptr;  // Found; or the action whose methods do not fit
    std::string allow;                   // MethodNotAllowed: the value of Allow
  };

  // The first route for `host` (as fold_host leaves it), the normalised `path` and `method`. A
  // `set` or `clear` route whose host and path match ends the search even if its methods do not.
  Match find(std::string_view host, std::string_view path, std::string_view method) const {
    return search(plain_, host, path, method);
  }

  // False: no route is guarded, and guarded_twin never finds one.
  bool has_guards() const { return has_guards_; }

  // The guarded route that the folded path takes (fold_path; the patterns are folded too), if that
  // is not `first`: the spelling of the path may be a way around its guard. Null otherwise.
  // `scratch` is overwritten.
  const RouteConfig* guarded_twin(const RouteConfig* first, std::string_view host,
                                  std::string_view path, std::string_view method,
                                  std::string& scratch) const;

 private:
  Match search(const PathIndex& index, std::string_view host, std::string_view path,
               std::string_view method) const;

  const std::vector<RouteConfig>& routes_;
  PathIndex plain_;
  PathIndex folded_;
  bool has_guards_ = false;
  // A guarded pattern is not in folded form: then paths that are may differ from it.
  bool guards_fold_ = false;
};

}  // namespace keepsake
