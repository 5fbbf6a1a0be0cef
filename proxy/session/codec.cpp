#include "session/codec.hpp"

namespace keepsake {

std::string_view to_string(OpenStatus status) {
  switch (status) {
    case OpenStatus::Ok:
      return "ok";
    case OpenStatus::Malformed:
      return "malformed";
    case OpenStatus::UnknownKey:
      return "unknown_key";
    case OpenStatus::Forged:
      return "forged";
    case OpenStatus::FromFuture:
      return "from_future";
    case OpenStatus::IdleExpired:
      return "idle_expired";
    case OpenStatus::AbsoluteExpired:
      return "absolute_expired";
    case OpenStatus::BeforeNotBefore:
      return "before_not_before";
  }
  return "malformed";
}

}  // namespace keepsake
