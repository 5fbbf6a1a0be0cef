#pragma once
// What a client of gRPC reads of a refusal: grpc-status. It makes little of a status of HTTP.

#include <string>
#include <string_view>

namespace keepsake {

// Of a response in gRPC's form.
inline constexpr std::string_view kGrpcType = "application/grpc";

// Whether a Content-Type names gRPC: application/grpc, with a suffix (+proto) or parameters.
// gRPC-Web is another protocol, whose clients understand statuses of HTTP.
bool is_grpc_type(std::string_view content_type);

// The status code that says what this HTTP status says.
unsigned grpc_status_of(unsigned http_status);

// Appends a grpc-message: printable ASCII as it is but for %, other bytes as %XX.
void append_grpc_message(std::string_view text, std::string& out);

}  // namespace keepsake
