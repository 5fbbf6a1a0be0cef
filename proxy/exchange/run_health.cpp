#include "exchange/run_health.hpp"

#include "exchange/services.hpp"
#include "http/error_page.hpp"

namespace keepsake {

Fault run_health(Exchange& x) {
  const SessionConfig& session = x.view->config().session;
  SharedCounts& shared = x.services.shared();
  const bool leaving = x.services.draining() || shared.leaving.load(std::memory_order_relaxed);
  const bool degraded = session.store == SessionStoreKind::Redis &&
                        shared.store_health.degraded(x.services.clock().steady());
  const bool refusing = degraded && session.on_store_error == OnStoreError::Refuse;
  x.reply.status = leaving || refusing ? 503 : 200;
  x.reply.reason = reason_phrase(x.reply.status);
  x.reply.retry_after = x.reply.status == 503 ? 1 : 0;
  x.reply.content_type = "text/plain; charset=utf-8";
  x.work.body = leaving ? "draining\n" : degraded ? "degraded: store\n" : "ready\n";
  return Fault::None;
}

}  // namespace keepsake
