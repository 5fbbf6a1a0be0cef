#include "session/device_proof.hpp"

#include <array>
#include <utility>

#include "base/base64url.hpp"
#include "http/json_members.hpp"

namespace keepsake {
namespace {

using Kind = JsonMembers::Kind;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kDepth = 4;
constexpr std::size_t kMostClaim = 1024;  // of a challenge, an authorization, a URL

// What RFC 9651 allows in a string, less the escapes, which base64url and dots never need.
std::string_view unquote(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

std::optional<Bytes> decode(std::string_view text) {
  Bytes bytes(base64url_decoded_size(text.size()));
  const auto size = base64url_decode(text, bytes);
  if (!size || *size == 0) {
    return std::nullopt;
  }
  bytes.resize(*size);
  return bytes;
}

bool read_object(std::string_view part, JsonMembers& members) {
  const auto bytes = decode(part);
  return bytes && members.parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                                {.depth = kDepth}) == JsonError::None;
}

// The public key of a registration: of the one kind that the algorithm has, and nothing private.
std::optional<DeviceKey> read_key(const JsonMembers& header, DeviceAlgorithm algorithm) {
  for (const std::string_view secret :
       {"jwk.d", "jwk.p", "jwk.q", "jwk.dp", "jwk.dq", "jwk.qi", "jwk.oth", "jwk.k"}) {
    if (header.kind(secret) != Kind::Absent) {
      return std::nullopt;
    }
  }
  if (algorithm == DeviceAlgorithm::ES256) {
    const auto x = decode(header.text("jwk.x"));
    const auto y = decode(header.text("jwk.y"));
    return header.text("jwk.kty") == "EC" && header.text("jwk.crv") == "P-256" && x && y
               ? DeviceKey::from_point(*x, *y)
               : std::nullopt;
  }
  const auto n = decode(header.text("jwk.n"));
  const auto e = decode(header.text("jwk.e"));
  return header.text("jwk.kty") == "RSA" && n && e ? DeviceKey::from_modulus(*n, *e) : std::nullopt;
}

// Absent or a string of limited size.
bool is_claim(const JsonMembers& claims, std::string_view name) {
  const Kind kind = claims.kind(name);
  return (kind == Kind::Absent || kind == Kind::String) && claims.text(name).size() <= kMostClaim;
}

}  // namespace

std::optional<DeviceProof> parse_device_proof(std::string_view value, DeviceProofKind kind,
                                              const char*& why) {
  value = unquote(value);
  const std::size_t first = value.find('.');
  const std::size_t second = first == value.npos ? value.npos : value.find('.', first + 1);
  why = "not three parts of base64url";
  if (value.size() > DeviceProof::kMostBytes || second == value.npos) {
    return std::nullopt;
  }
  JsonMembers header;
  JsonMembers claims;
  auto signature = decode(value.substr(second + 1));  // refuses a fourth part: no dot is base64url
  if (!signature) {
    return std::nullopt;
  }
  why = "not JSON objects";
  if (!read_object(value.substr(0, first), header) ||
      !read_object(value.substr(first + 1, second - first - 1), claims)) {
    return std::nullopt;
  }
  why = "unknown typ, alg or crit";
  const std::string_view algorithm = header.text("alg");
  if (header.text("typ") != "dbsc+jwt" || header.kind("crit") != Kind::Absent ||
      header.kind("b64") != Kind::Absent || (algorithm != "ES256" && algorithm != "RS256")) {
    return std::nullopt;
  }
  DeviceProof proof;
  proof.algorithm = algorithm == "ES256" ? DeviceAlgorithm::ES256 : DeviceAlgorithm::RS256;
  if (kind == DeviceProofKind::Registration) {
    why = "not a public key that is accepted";
    proof.key = read_key(header, proof.algorithm);
    if (!proof.key) {
      return std::nullopt;
    }
  }
  why = "no jti, or a claim that is no text";
  if (claims.text("jti").empty() || !is_claim(claims, "jti") ||
      !is_claim(claims, "authorization") || !is_claim(claims, "aud")) {
    return std::nullopt;
  }
  proof.challenge = claims.text("jti");
  proof.authorization = claims.text("authorization");
  if (claims.kind("aud") != Kind::Absent) {
    proof.audience = claims.text("aud");
  }
  proof.text = value.substr(0, second);
  proof.signature = std::move(*signature);
  why = "";
  return proof;
}

}  // namespace keepsake
