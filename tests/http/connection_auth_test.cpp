#include "http/connection_auth.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("NTLM and Negotiate are found in a list of challenges, however it is written",
          "[http][connection_auth]") {
  const std::string_view value =
      GENERATE("NTLM", "Negotiate", "ntlm", "nEgOtIaTe", "NTLM TlRMTVNTUAACAAAA", "NTLM\tTlRM",
               "Negotiate  a==", "Basic realm=\"a\", NTLM", "Basic realm=\"a, b\",Negotiate",
               "NTLM,Basic realm=\"a\"", "Digest nonce=\"x\\\"y\", qop=auth ,\tNEGOTIATE",
               ",, ,NTLM", "Basic realm=\"open, NTLM", "Bearer realm=a;NTLM",
               "Basic realm=\"a\" Negotiate", "NTLM, Negotiate");
  CAPTURE(value);
  CHECK(names_connection_auth(value));
}

TEST_CASE("other schemes, realms and parameters of that name are not taken for them",
          "[http][connection_auth]") {
  const std::string_view value =
      GENERATE("", "Basic realm=\"NTLM\"", "Basic realm=\"a \\\" Negotiate\"", "Digest ntlm=1",
               "Digest negotiate = \"1\"", "Bearer", "NTLMv3 a", "X-Negotiate", "Basic TlRM",
               "Negotiate2 x, Basic realm=\"Negotiate, NTLM\"");
  CAPTURE(value);
  CHECK_FALSE(names_connection_auth(value));
}
