#include "http/fold_path.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a path folds to what the most tolerant backend reads", "[http][fold]") {
  const auto [path, expected] =
      GENERATE(table<std::string, std::string>({{"/", "/"},
                                                {"", ""},
                                                {"/admin", "/admin"},
                                                {"/admin/", "/admin/"},
                                                {"/Admin/USERS", "/admin/users"},
                                                {"//admin///x", "/admin/x"},
                                                {"//", "/"},
                                                {"/admin%2fx", "/admin/x"},
                                                {"/admin%2Fx", "/admin/x"},
                                                {"/admin\\x", "/admin/x"},
                                                {"/admin%5cx", "/admin/x"},
                                                {"/admin%5Cx", "/admin/x"},
                                                {"/%2fadmin", "/admin"},
                                                {"/admin;v=1/x;y", "/admin/x"},
                                                {"/;a/admin", "/admin"},
                                                {"/admin;", "/admin"},
                                                {"/admin/;", "/admin/"},
                                                {"/a/..;/admin", "/admin"},
                                                {"/a/.;b/admin", "/a/admin"},
                                                {"/a%2f..%2fadmin", "/admin"},
                                                {"/a\\..\\admin", "/admin"},
                                                {"/..;/admin", "/admin"},
                                                {"/..;/..;", "/"},
                                                {"/a/..;", "/"},
                                                {"/a/b/..;", "/a/"},
                                                {"/a%252fb", "/a%252fb"},
                                                {"/%C3%AB", "/%c3%ab"},
                                                {"/%2", "/%2"},
                                                {"/a.b/...", "/a.b/..."}}));
  CAPTURE(path);
  std::string out = "left over";
  fold_path(path, out);
  CHECK(out == expected);
  std::string again;
  fold_path(out, again);
  CHECK(again == out);
}

TEST_CASE("a path without a byte that folds is known at a glance", "[http][fold]") {
  for (const char* path : {"/", "/a/b", "/a/b/", "/.well-known/x", "/a-b_c~d.e/0", "/a,b=c"}) {
    CAPTURE(path);
    CHECK(is_folded(path));
    std::string out;
    fold_path(path, out);
    CHECK(out == path);
  }
  for (const char* path : {"/A", "/aZ", "//a", "/a//", "/a\\b", "/a;b", "/a%2fb", "/a%20b"}) {
    CAPTURE(path);
    CHECK_FALSE(is_folded(path));
  }
}
