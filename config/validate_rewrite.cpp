// The rules for how a route changes paths and headers: nothing that would break the framing, the
// forwarding or what backends believe about the session.

#include <algorithm>
#include <set>

#include "config/header_names.hpp"
#include "config/validate.hpp"
#include "http/chars.hpp"
#include "http/path_prefix.hpp"
#include "http/target.hpp"

namespace keepsake {
namespace {

constexpr std::size_t most_headers = 64;
constexpr std::size_t longest_value = 4096;

// A prefix of whole segments in normal form: /api, not /api/, not /.
void validate_prefix(const std::string& prefix, const std::string& place, Report& report) {
  const bool visible =
      std::all_of(prefix.begin(), prefix.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!prefix.starts_with('/') || prefix == "/" || prefix.ends_with('/')) {
    report.problem(place,
                   "expected whole segments that begin with / and do not end with it, as in "
                   "/api");
    return;
  }
  if (!visible || prefix.find_first_of("?#*") != std::string::npos) {
    report.problem(place,
                   "expected a path in printable ASCII without ?, # and *; other bytes are written "
                   "%XX");
    return;
  }
  std::string scratch;
  const auto normal = normalise_path(prefix, scratch);
  if (!normal) {
    report.problem(place, "this path leaves the root");
  } else if (*normal != prefix) {
    report.problem(place, "is not in normal form, expected " + std::string{*normal});
  }
}

// False if no path that the route takes begins with the prefix.
bool can_strip(const RouteConfig& route) {
  std::string_view path = route.path;
  if (!path.ends_with("/*")) {
    return is_at_or_below(path, route.rewrite.strip_prefix);
  }
  path.remove_suffix(2);
  return is_at_or_below(path, route.rewrite.strip_prefix) ||
         is_at_or_below(route.rewrite.strip_prefix, path);
}

// One list of headers after another, all for the same heads: names are good, and each stands once.
class HeadRules {
 public:
  enum class Side : std::uint8_t { Request, Response };

  HeadRules(Side side, const Config& config, const RouteConfig& route, Report& report)
      : side_(side),
        with_session_(route.session),
        config_(config),
        injected_(injected_headers(config)),
        report_(report) {}

  void set(const std::vector<HeaderValue>& headers, const std::string& place) {
    bound(headers.size(), place);
    for (const HeaderValue& header : headers) {
      const std::string path = join_path(place, header.name);
      name(header.name, path);
      value(header.value, path);
    }
  }

  void remove(const std::vector<std::string>& names, const std::string& place) {
    bound(names.size(), place);
    for (std::size_t i = 0; i < names.size(); ++i) {
      name(names[i], join_path(place, i));
    }
  }

 private:
  void bound(std::size_t count, const std::string& place) {
    if (count > most_headers) {
      report_.problem(place, "are more than " + std::to_string(most_headers));
    }
  }

  void name(const std::string& name, const std::string& path) {
    if (!is_token(name)) {
      report_.problem(path, "is no header name, expected letters, digits and -");
      return;
    }
    const auto injected = injected_.find(fold_header_name(name));
    if (injected != injected_.end()) {
      report_.problem(path,
                      "could be taken for " + injected->second + ", which only Keepsake may send");
    } else if (side_ == Side::Request ? is_decided_in_requests(name, config_)
                                      : is_decided_in_responses(name, with_session_)) {
      report_.problem(path, "Keepsake decides this header itself, in every spelling");
    }
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    if (!seen_.insert(std::move(lower)).second) {
      report_.problem(path, "this header is set or removed by this route already");
    }
  }

  void value(const std::string& value, const std::string& path) {
    const bool control = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (value.empty()) {
      report_.problem(path, "is empty, expected the header's value");
    } else if (control) {
      report_.problem(path, "expected one line of text without control characters");
    } else if (value.front() == ' ' || value.back() == ' ') {
      report_.problem(path, "begins or ends with a space, which no receiver would see");
    } else if (value.size() > longest_value) {
      report_.problem(path, "is longer than " + std::to_string(longest_value) + " bytes");
    }
  }

  Side side_;
  bool with_session_;
  const Config& config_;
  std::map<std::string, std::string> injected_;
  std::set<std::string> seen_;
  Report& report_;
};

// These stand on Keepsake's own responses too, where such a header would be wrong.
void validate_response_headers(const RouteConfig& route, const std::string& place, Report& report) {
  static constexpr std::string_view of_one_response[] = {
      "content-type", "content-encoding", "content-range",   "content-language", "location",
      "allow",        "retry-after",      "www-authenticate"};
  for (const HeaderValue& header : route.response_headers) {
    if (std::any_of(std::begin(of_one_response), std::end(of_one_response),
                    [&](std::string_view name) { return equals_lower(header.name, name); })) {
      report.problem(join_path(place, header.name),
                     "belongs to single responses, and this is for all of the route, errors and "
                     "redirects too; rewrite.set_response_headers is for the backend's");
    }
  }
}

}  // namespace

void validate_rewrite(const Config& config, const RouteConfig& route, const std::string& place,
                      Report& report) {
  const RewriteConfig& rewrite = route.rewrite;
  const std::string path = place + ".rewrite";
  HeadRules responses{HeadRules::Side::Response, config, route, report};
  responses.set(route.response_headers, place + ".response_headers");
  validate_response_headers(route, place + ".response_headers", report);
  if (route.kind != RouteConfig::Kind::Backend) {
    if (!rewrite.empty()) {
      report.problem(path, "only a backend route rewrites");
    }
    return;
  }
  if (!rewrite.strip_prefix.empty() || report.has(path + ".strip_prefix")) {
    validate_prefix(rewrite.strip_prefix, path + ".strip_prefix", report);
    if (!report.is_bad(place + ".path") && !can_strip(route)) {
      report.problem(path + ".strip_prefix", "no request of this route begins with it");
    }
  }
  if (!rewrite.add_prefix.empty() || report.has(path + ".add_prefix")) {
    validate_prefix(rewrite.add_prefix, path + ".add_prefix", report);
  }
  HeadRules requests{HeadRules::Side::Request, config, route, report};
  requests.set(rewrite.set_request_headers, path + ".set_request_headers");
  requests.remove(rewrite.remove_request_headers, path + ".remove_request_headers");
  responses.set(rewrite.set_response_headers, path + ".set_response_headers");
  responses.remove(rewrite.remove_response_headers, path + ".remove_response_headers");
}

}  // namespace keepsake
