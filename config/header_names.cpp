#include "config/header_names.hpp"

#include <algorithm>

#include "http/chars.hpp"
#include "http/field_names.hpp"
#include "http/field_traits.hpp"

namespace keepsake {
namespace {

// Made once; holds no injected names.
const FieldTable& known_names() {
  static const FieldTable table;
  return table;
}

// Framing, the connection, and who asks for what: in neither direction anybody else's.
bool is_decided_both_ways(FieldId id) {
  return (traits_of(id) & kDecided) != 0;
}

bool is_assertion(std::string_view name) {
  return fold_header_name(name) == "x-keepsake-assertion";
}

}  // namespace

std::string fold_header_name(std::string_view name) {
  std::string folded{name};
  std::transform(folded.begin(), folded.end(), folded.begin(), fold);
  return folded;
}

bool is_reserved_for_injection(std::string_view name) {
  return known_names().find(name).id != FieldId::Other || equals_ignoring_case(name, "via") ||
         is_assertion(name);
}

bool is_decided_in_requests(std::string_view name, const Config& config) {
  if (fold_header_name(name) == "x-forwarded-prefix") {
    return false;  // Keepsake never sends it; a route that strips a prefix may want to say so
  }
  const FieldId id = known_names().find(name).id;
  return is_decided_both_ways(id) || is_assertion(name) ||
         (id == FieldId::Traceparent && config.traceparent);
}

bool is_decided_in_responses(std::string_view name, bool with_session) {
  const FieldId id = known_names().find(name).id;
  return is_decided_both_ways(id) || is_assertion(name) || id == FieldId::Date ||
         (id == FieldId::Vary && with_session);
}

std::map<std::string, std::string> injected_headers(const Config& config) {
  std::map<std::string, std::string> names;
  for (const SessionHeader& header : config.session.headers) {
    names.emplace(fold_header_name(header.name), header.name);
  }
  for (const ListenConfig& listener : config.listen) {
    if (listener.tls && !listener.tls->client_ca.empty()) {
      const std::string& name = listener.tls->client_subject_header;
      names.emplace(fold_header_name(name), name);
    }
  }
  return names;
}

}  // namespace keepsake
