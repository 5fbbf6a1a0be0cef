#include "io/tls_backend.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <string_view>

#include "base/host_name.hpp"
#include "io/tls_context.hpp"

namespace keepsake {

namespace {

// What a connection remembers: the place that its tickets go to, and the epoch it was made in.
int place_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
int epoch_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// OpenSSL has room for a pointer only.
void* as_pointer(unsigned epoch) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(epoch));
}

// Called by OpenSSL with each ticket, which may come long after the handshake.
int keep_ticket(SSL* ssl, SSL_SESSION* ticket) {
  auto* const place = static_cast<TlsSession*>(SSL_get_ex_data(ssl, place_index()));
  if (place == nullptr || SSL_get_ex_data(ssl, epoch_index()) != as_pointer(place->epoch())) {
    return 0;
  }
  place->keep(ticket);
  return 1;  // ours now
}

}  // namespace

TlsBackend::~TlsBackend() = default;

std::shared_ptr<SSL_CTX> TlsBackend::load(std::string& error) const {
  TlsContext context = new_tls_context(TLS_client_method());
  if (!context) {
    error = "there is no memory for it";
    return nullptr;
  }
  if (!options_.ca.empty()) {
    std::string text;
    if (!use_tls_authorities(context.get(), options_.ca, false, text, error)) {
      return nullptr;
    }
    // Who names a file may name the server's own certificate, or one between.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  } else if (options_.verify) {
    SSL_CTX_set_default_verify_paths(context.get());
    ERR_clear_error();
  }
  if (!options_.certificate.empty()) {
    TlsIdentity identity;
    if (!use_tls_identity(context.get(), options_.certificate, options_.key, identity, error)) {
      return nullptr;
    }
  }
  SSL_CTX_set_verify(context.get(), options_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const std::string_view protocol = options_.http2 ? "\x02h2" : "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(protocol.data()),
                          static_cast<unsigned>(protocol.size()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), keep_ticket);
  return {context.release(), TlsFree{}};
}

std::shared_ptr<TlsBackend> TlsBackend::make(TlsBackendOptions options, std::string& error) {
  std::shared_ptr<TlsBackend> made{new TlsBackend{std::move(options)}};
  made->seen_ = TlsFileStamp{made->paths()};
  made->current_ = made->load(error);
  return made->current_ ? made : nullptr;
}

std::unique_ptr<Tls> TlsBackend::connect(int fd, const std::string& host,
                                         TlsSession& session) const {
  std::shared_ptr<SSL_CTX> context;
  {
    const std::lock_guard lock(mutex_);
    context = current_;
    // The files may have been renewed since the caller looked: what older ones verified is not
    // resumed by newer ones.
    if (session.files_ != generation_) {
      session.begin_epoch();
      session.files_ = generation_;
    }
  }
  SSL* const ssl = SSL_new(context.get());
  if (ssl == nullptr) {
    return nullptr;
  }
  auto tls = std::make_unique<Tls>(ssl, fd, Tls::End::Client, std::move(context));
  SSL_set_connect_state(ssl);
  SSL_set_ex_data(ssl, place_index(), &session);
  SSL_set_ex_data(ssl, epoch_index(), as_pointer(session.epoch()));
  // RFC 6066 3: an address is no name, so it is not sent.
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string name{without_root_dot(host)};
  const bool named = is_address || (SSL_set1_host(ssl, name.c_str()) == 1 &&
                                    SSL_set_tlsext_host_name(ssl, name.c_str()) == 1);
  if (session) {
    SSL_set_session(ssl, session.get());
  }
  ERR_clear_error();
  return named ? std::move(tls) : nullptr;
}

TlsRefresh TlsBackend::refresh(std::string& what) {
  TlsFileStamp now{paths()};
  if (now == seen_) {
    return TlsRefresh::Unchanged;
  }
  seen_ = std::move(now);
  std::shared_ptr<SSL_CTX> next = load(what);
  if (!next) {
    return TlsRefresh::Refused;
  }
  const std::lock_guard lock(mutex_);
  current_.swap(next);
  ++generation_;
  return TlsRefresh::Renewed;
}

}  // namespace keepsake
