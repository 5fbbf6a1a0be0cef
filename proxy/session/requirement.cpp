#include "session/requirement.hpp"

#include <algorithm>

namespace keepsake {

namespace {

Admission judge_one(const Requirement& required, const Session& session) {
  const std::optional<std::string_view> value = session.find(required.key);
  if (!value) {
    return Admission::Anonymous;
  }
  const bool fits =
      required.values.empty() ||
      std::find(required.values.begin(), required.values.end(), *value) != required.values.end();
  return fits ? Admission::Admitted : Admission::WrongValue;
}

}  // namespace

Admission judge_requirements(std::span<const Requirement> required, const Session& session,
                             bool store_silent) {
  if (store_silent) {
    return Admission::StoreSilent;
  }
  Admission admission = Admission::Admitted;
  for (const Requirement& requirement : required) {
    admission = std::max(admission, judge_one(requirement, session));
  }
  return admission;
}

}  // namespace keepsake
