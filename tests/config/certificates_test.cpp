// What is wrong inside of certificate files is said with the file and the key of the configuration.

#include "support/catch.hpp"
#include "world.hpp"

using namespace keepsake;
using namespace keepsake::test;

namespace {

std::string with_tls() {
  return "listen:\n  - address: 127.0.0.1:8443\n    tls:\n      certificate: /etc/tls.crt\n"
         "      key: /etc/tls.key\n"
         "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
         "session: {secrets: [{env: SESSION_KEY}]}\n";
}

}  // namespace

TEST_CASE("certificate files that cannot serve are named with the reason", "[config][tls]") {
  World world;
  std::string& certificate = world.files["/etc/tls.crt"];
  std::string& key = world.files["/etc/tls.key"];
  std::string expected;
  SECTION("good") {}
  SECTION("half a certificate") {
    certificate.resize(200);
    expected =
        "4:20: listen[0].tls.certificate: the file /etc/tls.crt holds a broken certificate: the "
        "file may be cut off";
  }
  SECTION("half a chain") {
    certificate += certificate.substr(0, 200);
    expected =
        "4:20: listen[0].tls.certificate: the file /etc/tls.crt holds a broken certificate behind "
        "the first: the file may be cut off";
  }
  SECTION("an empty file") {
    certificate.clear();
    expected =
        "4:20: listen[0].tls.certificate: the file /etc/tls.crt is empty, expected a certificate "
        "in PEM";
  }
  SECTION("swapped") {
    std::swap(certificate, key);
    expected =
        "4:20: listen[0].tls.certificate: the file /etc/tls.crt holds a private key and no "
        "certificate";
  }
  SECTION("half a key") {
    key.resize(100);
    expected =
        "5:12: listen[0].tls.key: the file /etc/tls.key holds a broken private key: the file may "
        "be cut off";
  }
  SECTION("a key with a passphrase") {
    key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIH0\n-----END ENCRYPTED PRIVATE KEY-----\n";
    expected =
        "5:12: listen[0].tls.key: the file /etc/tls.key is encrypted, and nobody could type its "
        "passphrase at start; decrypt it with: openssl pkey -in FILE -out NEWFILE";
  }
  SECTION("a key of another certificate") {
    key =
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxDI0lIT+GAaslI2w\n"
        "Agpciqdi4VH4LbGIaCt4BlRSM2GhRANCAASXbx+fE01On4FIMAhMYxBBvsianmKw\n"
        "6ea3xzhDmn4wKYwYvJTAgZjJROq0FMKoh4IPL93eds5l1ABkrDyiXG0g\n"
        "-----END PRIVATE KEY-----\n";
    expected =
        "5:12: listen[0].tls.key: the file /etc/tls.key is not the key of the certificate (of its "
        "first, the server's own)";
  }
  const std::vector<std::string> found = lines(world.load(with_tls()).problems);
  if (expected.empty()) {
    CHECK(found.empty());
  } else {
    REQUIRE_FALSE(found.empty());
    CHECK(found[0] == expected);
  }
}
