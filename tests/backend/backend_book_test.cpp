#include "backend/backend_book.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a worker finds its figures of a server again as long as somebody holds them",
          "[backend][figures]") {
  BackendBook book;
  const int workers[2] = {};
  auto figures = book.figures(&workers[0], "app", "http://a");
  ServerFigures::add(figures->connects, 3);
  CHECK(book.figures(&workers[0], "app", "http://a") == figures);
  CHECK(book.figures(&workers[1], "app", "http://a") != figures);
  CHECK(book.figures(&workers[0], "other", "http://a") != figures);

  figures.reset();
  CHECK(book.figures(&workers[0], "app", "http://a")->connects == 0);
}

TEST_CASE("the book lists what is in use, by backend and server", "[backend][figures]") {
  BackendBook book;
  const int workers[2] = {};
  const auto one = book.figures(&workers[0], "b", "http://1");
  auto two = book.figures(&workers[1], "b", "http://1");
  const auto three = book.figures(&workers[0], "a", "http://2");
  two.reset();
  const auto listed = book.servers();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]->backend == "a");
  CHECK(listed[1] == one);
}
