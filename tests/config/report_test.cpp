#include "config/report.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a problem reads file:line:column: path: message", "[config][report]") {
  CHECK(to_string(Problem{"a.yaml", 3, 7, "log.level", "is wrong"}) ==
        "a.yaml:3:7: log.level: is wrong");
  CHECK(to_string(Problem{"a.yaml", 3, 7, "", "is wrong"}) == "a.yaml:3:7: is wrong");
  CHECK(to_string(Problem{"a.yaml", 0, 0, "", "is wrong"}) == "a.yaml: is wrong");
}

TEST_CASE("a problem without a place of its own stands at the nearest parent", "[config][report]") {
  Report report{"a.yaml"};
  report.place("", {1, 1});
  report.place("session", {4, 3});
  report.place("routes[1]", {9, 5});
  report.place("backends.\"my app\"", {6, 2});
  report.problem("session.cookie.name", "one");
  report.problem("routes[1].path", "two");
  report.problem("backends.\"my app\".servers[0]", "three");
  report.problem("listen", "four");
  const auto problems = report.take_problems();
  REQUIRE(problems.size() == 4);
  CHECK(to_string(problems[0]) == "a.yaml:1:1: listen: four");
  CHECK(to_string(problems[1]) == "a.yaml:4:3: session.cookie.name: one");
  CHECK(to_string(problems[2]) == "a.yaml:6:2: backends.\"my app\".servers[0]: three");
  CHECK(to_string(problems[3]) == "a.yaml:9:5: routes[1].path: two");
}

TEST_CASE("a rule is silent where the reader has complained already", "[config][report]") {
  Report report{"a.yaml"};
  report.problem(Position{2, 2}, "session.secrets[0].env", "not set");
  report.problem("session.secrets", "missing");
  report.problem("session.secret", "another key");
  CHECK(report.take_problems().size() == 2);
}

TEST_CASE("a flood of problems is cut", "[config][report]") {
  Report report{"a.yaml"};
  for (int i = 1; i <= 1000; ++i) {
    report.problem(Position{i, 1}, "key", "wrong");
  }
  const auto problems = report.take_problems();
  REQUIRE(problems.size() == Report::max_problems + 1);
  CHECK(problems.back().message == "more problems follow; mend these first");
}

TEST_CASE("a step that would confuse a path is quoted and has no control bytes",
          "[config][report]") {
  CHECK(path_step("X-Session_Name1") == "X-Session_Name1");
  CHECK(path_step("") == "\"\"");
  CHECK(path_step("a.b") == "\"a.b\"");
  CHECK(path_step("a\x1B[31m\"b") == "\"a?[31m?b\"");
  CHECK(join_path("", "listen") == "listen");
  CHECK(join_path("listen", std::size_t{3}) == "listen[3]");
}
