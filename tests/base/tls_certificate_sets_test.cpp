#include "io/tls_certificate_sets.hpp"

#include "support/catch.hpp"

using namespace keepsake;

namespace {

constexpr int kRsa = 6;
constexpr int kEc = 408;
using Indices = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a name has one certificate of each kind of key, and the earlier one of a kind",
          "[base][tls]") {
  const std::vector<CertificateFacts> all{
      {{"a.example"}, kEc}, {{"a.example", "b.example"}, kRsa}, {{"a.example"}, kRsa}};
  CHECK(certificates_for(all, "a.example") == Indices{0, 1});
  CHECK(certificates_for(all, "b.example") == Indices{1});
  CHECK(certificates_for(all, "c.example").empty());
  CHECK(unused_certificates(all) == Indices{2});
}

TEST_CASE("a wildcard fills the kinds that a name's own certificates leave open", "[base][tls]") {
  const std::vector<CertificateFacts> all{
      {{"*.example"}, kEc}, {{"a.example"}, kEc}, {{"*.example"}, kRsa}};
  CHECK(certificates_for(all, "a.example") == Indices{1, 2});
  CHECK(certificates_for(all, "b.example") == Indices{0, 2});
  CHECK(certificates_for(all, "*.example") == Indices{0, 2});
  CHECK(certificates_for(all, "a.b.example").empty());
  CHECK(unused_certificates(all).empty());
}

TEST_CASE("the default certificate brings those of other kinds with a name of its own",
          "[base][tls]") {
  CHECK(default_certificates({{{"a"}, kEc}, {{"b"}, kRsa}}) == Indices{0});
  CHECK(default_certificates({{{"a", "b"}, kEc}, {{"b", "c"}, kRsa}}) == Indices{0, 1});
  CHECK(default_certificates({{{}, kEc}, {{}, kRsa}}) == Indices{0, 1});
  CHECK(default_certificates({{{}, kEc}, {{"b"}, kRsa}}) == Indices{0});
  CHECK(default_certificates({}).empty());
}
