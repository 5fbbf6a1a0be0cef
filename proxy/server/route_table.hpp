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

class RouteTable {
 public:
  explicit RouteTable(const std::vector<RouteConfig>& routes);

  enum class Outcome : std::uint8_t { Found, NotFound, MethodNotAllowed };
  struct Match {
    Outcome outcome = Outcome::NotFound;
    const RouteConfig* route = nullptr;  // Found; or the action whose methods do not fit
    std::string allow;                   // MethodNotAllowed: the value of Allow
  };

  // The first route for `host` (lower case, no port), the normalised `path` and `method`. A `set`
  // or `clear` route whose host and path match ends the search even if its methods do not.
  Match find(std::string_view host, std::string_view path, std::string_view method) const;

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

  const std::vector<RouteConfig>& routes_;
  Index exact_;
  Index prefix_;                             // without the trailing "/*"
  std::vector<std::size_t> prefix_lengths_;  // the distinct sizes of its keys, ascending
};

}  // namespace keepsake
