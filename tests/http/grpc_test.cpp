#include "http/grpc.hpp"

#include "support/catch.hpp"

using namespace keepsake;

TEST_CASE("a content type names gRPC, and gRPC-Web is another", "[http][grpc]") {
  for (const char* type : {"application/grpc", "application/grpc+proto", "Application/gRPC+json",
                           "application/grpc; charset=utf-8", "application/grpc ;x"}) {
    CAPTURE(type);
    CHECK(is_grpc_type(type));
  }
  for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpc-web+proto",
                           "application/grpcx", "text/application/grpc", "application/json"}) {
    CAPTURE(type);
    CHECK_FALSE(is_grpc_type(type));
  }
}

TEST_CASE("a status of HTTP has one of gRPC", "[http][grpc]") {
  struct Row {
    unsigned http, grpc;
  };
  for (const Row row : {Row{400, 13}, Row{401, 16}, Row{403, 7}, Row{404, 12}, Row{405, 12},
                        Row{408, 4}, Row{413, 8}, Row{429, 8}, Row{431, 8}, Row{500, 13},
                        Row{501, 12}, Row{502, 14}, Row{503, 14}, Row{504, 4}, Row{417, 2}}) {
    CAPTURE(row.http);
    CHECK(grpc_status_of(row.http) == row.grpc);
  }
}

TEST_CASE("a message of gRPC is percent-encoded", "[http][grpc]") {
  std::string out = "grpc-message: ";
  append_grpc_message("100% of \"it\"\r\n\t~\x7f\xc3\xa4", out);
  CHECK(out == "grpc-message: 100%25 of \"it\"%0D%0A%09~%7F%C3%A4");
}
