#include "http/grpc.hpp"

#include "http/chars.hpp"
#include "http/hex.hpp"

namespace keepsake {

namespace {

enum Code : unsigned {
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

}  // namespace

bool is_grpc_type(std::string_view content_type) {
  if (!equals_lower(content_type.substr(0, kGrpcType.size()), kGrpcType)) {
    return false;
  }
  const std::string_view rest = content_type.substr(kGrpcType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

// As gRPC's clients read a response without a grpc-status, and where that says less than is known,
// more: a limit that was exceeded, a deadline that has passed.
unsigned grpc_status_of(unsigned http_status) {
  switch (http_status) {
    case 400:
    case 500:
      return kInternal;
    case 401:
      return kUnauthenticated;
    case 403:
      return kPermissionDenied;
    case 404:
    case 405:
    case 501:
      return kUnimplemented;
    case 408:
    case 504:
      return kDeadlineExceeded;
    case 413:
    case 414:
    case 429:
    case 431:
      return kResourceExhausted;
    case 502:
    case 503:
      return kUnavailable;
    default:
      return kUnknown;
  }
}

void append_grpc_message(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      out += '%';
      append_hex(static_cast<unsigned char>(c), kUpperHex, out);
    }
  }
}

}  // namespace keepsake
