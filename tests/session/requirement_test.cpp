#include "session/requirement.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

Session session(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Session made;
  for (const auto& [key, value] : pairs) {
    made.set(key, value);
  }
  return made;
}

const std::vector<Requirement> kUser = {{"user", {}}};
const std::vector<Requirement> kStaff = {{"role", {"admin", "owner"}}};
const std::vector<Requirement> kBoth = {{"user", {}}, {"role", {"admin"}}};

}  // namespace

TEST_CASE("a session with a value for each key is admitted", "[session][require]") {
  CHECK(judge_requirements(kUser, session({{"user", "ada"}}), false) == Admission::Admitted);
  CHECK(judge_requirements(kBoth, session({{"role", "admin"}, {"user", "ada"}}), false) ==
        Admission::Admitted);
  CHECK(judge_requirements({}, session({}), false) == Admission::Admitted);
}

TEST_CASE("without a value the visitor is anonymous", "[session][require]") {
  CHECK(judge_requirements(kUser, session({}), false) == Admission::Anonymous);
  CHECK(judge_requirements(kUser, session({{"User", "ada"}}), false) == Admission::Anonymous);
  CHECK(judge_requirements(kBoth, session({{"role", "admin"}}), false) == Admission::Anonymous);
  CHECK(judge_requirements(kStaff, session({{"user", "ada"}}), false) == Admission::Anonymous);
}

TEST_CASE("one of the listed values is needed, byte for byte", "[session][require]") {
  CHECK(judge_requirements(kStaff, session({{"role", "owner"}}), false) == Admission::Admitted);
  CHECK(judge_requirements(kStaff, session({{"role", "guest"}}), false) == Admission::WrongValue);
  CHECK(judge_requirements(kStaff, session({{"role", "Admin"}}), false) == Admission::WrongValue);
  CHECK(judge_requirements(kStaff, session({{"role", "admin "}}), false) == Admission::WrongValue);
}

TEST_CASE("a wrong value counts more than a missing one", "[session][require]") {
  CHECK(judge_requirements(kBoth, session({{"role", "guest"}}), false) == Admission::WrongValue);
}

TEST_CASE("a store that is silent leaves nothing to judge", "[session][require]") {
  CHECK(judge_requirements(kUser, session({}), true) == Admission::StoreSilent);
  CHECK(judge_requirements(kUser, session({{"user", "ada"}}), true) == Admission::StoreSilent);
}
