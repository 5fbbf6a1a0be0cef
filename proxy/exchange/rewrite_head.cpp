#include "exchange/rewrite_head.hpp"

#include "exchange/services.hpp"
#include "http/path_prefix.hpp"

namespace keepsake {

Fault rewrite_target(Exchange& x) {
  const RewriteConfig& rewrite = x.route->rewrite;
  std::string_view path = x.target.path;
  if (!rewrite.strip_prefix.empty()) {
    path = strip_prefix(path, x.path, rewrite.strip_prefix, x.work.scratch);
  }
  if (!stays_below(path)) {
    x.note = "climbs out of the rewritten prefix";
    return Fault::BadTarget;
  }
  std::string& target = x.work.target;
  target.assign(rewrite.add_prefix).append(path);
  if (target.empty()) {
    target = "/";
  }
  target.append(x.target.search);
  x.target.origin = target;
  return Fault::None;
}

void mark_rewritten_lines(Exchange& x) {
  const HeaderNames& names = x.rules->response_names;
  for (Field& field : x.work.response.fields) {
    field.drop = field.drop || names.has(field.name);
  }
}

}  // namespace keepsake
