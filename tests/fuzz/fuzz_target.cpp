// The request target: what is accepted is put together again from its parts, and the normal form of
// a path agrees with a plain reading of RFC 3986. Input: one byte that picks the method, then the
// target.

#include <string>
#include <vector>

#include "fuzz.hpp"
#include "http/fold_path.hpp"
#include "http/hex.hpp"
#include "http/path_prefix.hpp"
#include "http/target.hpp"

namespace {

using namespace keepsake;
using fuzz::must;

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Segment by segment with a stack; empty when it leaves the root.
std::optional<std::string> plainly_normalised(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = percent_byte(path, i);
    const bool plain = byte >= 0 && is_unreserved(static_cast<char>(byte));
    decoded += plain ? static_cast<char>(byte) : path[i];
    i += plain ? 2 : 0;
  }
  std::vector<std::string> segments{""};
  for (const char c : decoded.substr(1)) {
    if (c == '/') {
      segments.emplace_back();
    } else {
      segments.back() += c;
    }
  }
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool dots = segments[i] == "." || segments[i] == "..";
    if (segments[i] == "..") {
      if (kept.empty()) {
        return std::nullopt;
      }
      kept.pop_back();
    }
    if (!dots) {
      kept.push_back(segments[i]);
    } else if (i + 1 == segments.size()) {
      kept.emplace_back();
    }
  }
  std::string out;
  for (const std::string& segment : kept) {
    out += "/" + segment;
  }
  return out;
}

// Whether some ".." has no segment before it for a reader who decodes the path and takes encoded
// slashes, backslashes, both or neither for slashes.
bool climbs_out(std::string_view path, bool encoded_slashes, bool backslashes) {
  int depth = 0;
  std::string segment;
  const auto end_segment = [&] {
    depth += segment == ".." ? -1 : segment.empty() || segment == "." ? 0 : 1;
    segment.clear();
    return depth < 0;
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = percent_byte(path, i);
    const char c = byte < 0 ? path[i] : static_cast<char>(byte);
    i += byte < 0 ? 0 : 2;
    if ((c == '/' && (byte < 0 || encoded_slashes)) || (c == '\\' && backslashes)) {
      if (end_segment()) {
        return true;
      }
    } else {
      segment += c;
    }
  }
  return end_segment();
}

// Without a prefix a path means what the rest of its normal form says.
void check_prefix(std::string_view path, std::string_view normal) {
  constexpr std::string_view kPrefix = "/a";
  std::string scratch;
  const std::string_view rest = strip_prefix(path, normal, kPrefix, scratch);
  const bool has_prefix = normal == kPrefix || normal.starts_with("/a/");
  must(has_prefix || rest == path);
  if (has_prefix && rest != normal.substr(kPrefix.size())) {
    const auto alone = normalise_path(rest, scratch);
    must(alone && *alone == normal.substr(kPrefix.size()));
  }
  if (stays_below(rest)) {
    must(!climbs_out(rest, false, false) && !climbs_out(rest, true, false));
    must(!climbs_out(rest, false, true) && !climbs_out(rest, true, true));
  }
}

// Folding is final, and what looks folded is.
void check_fold(std::string_view normal) {
  std::string folded;
  std::string again;
  fold_path(normal, folded);
  fold_path(folded, again);
  must(again == folded && folded.starts_with('/') && folded.size() <= normal.size() + 1);
  must(!is_folded(normal) || folded == normal);
}

void check_path(std::string_view path) {
  std::string scratch;
  const auto normal = normalise_path(path, scratch);
  const auto expected = plainly_normalised(path);
  must(normal.has_value() == expected.has_value());
  if (!normal) {
    return;
  }
  must(*normal == *expected && normal->front() == '/' && normal->size() <= path.size());
  must(*normal != path || normal->data() == path.data());
  bool literal_percent = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    literal_percent = literal_percent || (path[i] == '%' && percent_byte(path, i) < 0);
  }
  if (!literal_percent) {  // "%%32e" is the text "%2e", which would be another path
    std::string more;
    must(normalise_path(*normal, more) == *normal);
  }
  check_prefix(path, *normal);
  check_fold(*normal);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view raw = fuzz::as_text(data + 1, size - 1);
  const std::string_view method = data[0] % 2 == 0 ? "GET" : "OPTIONS";
  const auto target = parse_target(method, raw);
  if (target) {
    for (const char c : raw) {
      must(c > ' ' && c < '\x7f' && c != '#');
    }
    must((target->form == TargetForm::Asterisk) == (target->origin == "*"));
    must(target->form != TargetForm::Asterisk || method == "OPTIONS");
    must((target->form == TargetForm::Absolute) ? !target->authority.empty() : true);
    must(target->authority.empty() || parse_host(target->authority));
    must(target->search.empty() ? target->query.empty()
                                : target->search.substr(1) == target->query);
    const std::string whole = std::string{target->path} + std::string{target->search};
    const bool empty_path = target->form == TargetForm::Absolute && target->path == "/" &&
                            target->origin == target->search;
    must(whole == target->origin || empty_path);
    if (target->form == TargetForm::Origin) {
      must(target->origin == raw);
    }
    if (target->form != TargetForm::Asterisk) {
      check_path(target->path);
    }
  }
  if (!raw.empty() && raw.front() == '/') {
    check_path(raw);
  }
  return 0;
}
