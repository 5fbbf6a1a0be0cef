#include "routing/front.hpp"

#include <algorithm>

#include "io/log.hpp"
#include "io/tls_backend.hpp"
#include "io/tls_listener.hpp"

namespace keepsake {

namespace {

TlsListenerOptions options_of(const ListenConfig& listen) {
  TlsListenerOptions options;
  for (const TlsFiles& files : listen.tls->certificates) {
    options.certificates.push_back({files.certificate, files.key});
  }
  options.client_ca = listen.tls->client_ca;
  options.client_required = listen.tls->client_required;
  options.http2 = listen.http2;
  options.scope = listen.address.to_string();
  return options;
}

TlsBackendOptions options_of(const BackendTls& tls, bool http2) {
  return {tls.ca, tls.certificate, tls.key, tls.verify, http2};
}

template <class Holder>
void refresh(Holder& holder, const std::string& whose) {
  std::string what;
  switch (holder.refresh(what)) {
    case TlsRefresh::Unchanged:
      break;
    case TlsRefresh::Renewed:
      log::info("the certificates of {} were read again{}{}", whose, what.empty() ? "" : ": ",
                what);
      break;
    case TlsRefresh::Refused:
      log::error("the certificates of {} have changed and cannot be used; the old ones stay: {}",
                 whose, what);
      break;
  }
}

bool wants_tls(const BackendConfig& backend) {
  return std::any_of(backend.servers.begin(), backend.servers.end(),
                     [](const ServerConfig& server) { return server.tls; });
}

// By the same settings as before, or new; null with `error`.
std::shared_ptr<TlsBackend> make_backend(TlsBackendOptions options, const std::string& whose,
                                         const Certificates* before, std::string& error) {
  std::vector<std::shared_ptr<TlsBackend>> known;
  if (before != nullptr) {
    known = before->backends;
    known.push_back(before->redis);
    known.push_back(before->sentinels);
  }
  for (const std::shared_ptr<TlsBackend>& one : known) {
    if (one && one->options() == options) {
      refresh(*one, whose);
      return one;
    }
  }
  std::string why;
  std::shared_ptr<TlsBackend> tls = TlsBackend::make(std::move(options), why);
  if (!tls) {
    error = "TLS to " + whose + ": " + why;
  }
  return tls;
}

}  // namespace

const Front* Certificates::front(const ListenConfig& listen) const {
  // Port 0 is as many addresses as it is written: these are told apart by all that they are.
  const SocketAddress& address = listen.address;
  const bool unique = address.kind == SocketAddress::Kind::Unix || address.port != 0;
  for (const Front& front : fronts) {
    if (unique ? front.listen.address == address : front.listen == listen) {
      return &front;
    }
  }
  return nullptr;
}

bool make_certificates(const Config& config, const Certificates* before,
                       const std::shared_ptr<TlsTicketKeys>& tickets, Certificates& made,
                       std::string& error) {
  for (const ListenConfig& listen : config.listen) {
    Front& front = made.fronts.emplace_back(Front{listen, nullptr});
    if (!listen.tls) {
      continue;
    }
    TlsListenerOptions options = options_of(listen);
    const Front* known = before != nullptr ? before->front(listen) : nullptr;
    if (known != nullptr && known->tls && known->tls->options() == options) {
      front.tls = known->tls;
      refresh(*front.tls, listen.address.to_string());
      continue;
    }
    std::string why;
    front.tls = TlsListener::make(std::move(options), tickets, why);
    if (!front.tls) {
      error = "TLS at " + listen.address.to_string() + ": " + why;
    }
  }
  const auto adopt = [&](const BackendTls& tls, const std::string& whose, bool http2 = false) {
    return make_backend(options_of(tls, http2), whose, before, error);
  };
  for (const BackendConfig& backend : config.backends) {
    made.backends.push_back(
        wants_tls(backend) ? adopt(backend.tls, "backend " + backend.name, backend.http2)
                           : nullptr);
  }
  if (const std::optional<RedisConfig>& redis = config.session.redis) {
    made.redis = redis->tls ? adopt(*redis->tls, "redis") : nullptr;
    made.sentinels = redis->sentinel_tls ? adopt(*redis->sentinel_tls, "Sentinels") : nullptr;
  }
  return error.empty();
}

void refresh_certificates(const Certificates& certificates) {
  for (const Front& front : certificates.fronts) {
    if (front.tls) {
      refresh(*front.tls, front.listen.address.to_string());
    }
  }
  for (const std::shared_ptr<TlsBackend>& backend : certificates.backends) {
    if (backend) {
      refresh(*backend, "a backend");
    }
  }
  for (const std::shared_ptr<TlsBackend>& store : {certificates.redis, certificates.sentinels}) {
    if (store) {
      refresh(*store, "redis");
    }
  }
}

}  // namespace keepsake
