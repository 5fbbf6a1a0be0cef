#include "exchange/run_verify.hpp"

#include "exchange/inject_session.hpp"
#include "http/error_page.hpp"

namespace keepsake {

Fault run_verify(Exchange& x) {
  inject_session(x, x.work.session_lines);
  x.work.body.clear();
  x.reply.status = 200;
  x.reply.reason = reason_phrase(200);
  return Fault::None;
}

}  // namespace keepsake
