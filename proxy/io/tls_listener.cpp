#include "io/tls_listener.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <map>
#include <unordered_map>

#include "base/host_name.hpp"
#include "io/tls_certificate_sets.hpp"
#include "io/tls_context.hpp"

namespace keepsake {

// One state of the files.
struct TlsListener::Contexts {
  std::vector<TlsContext> all;
  std::unordered_map<std::string, SSL_CTX*> by_name;  // lower case; "*.example.com" too
  std::shared_ptr<TlsTicketKeys> tickets;
  std::string summary;
};

namespace {

// The first of ours that the client offers. A client that offers other protocols alone is refused
// (RFC 7301 3.2).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void* without_http2) {
  static constexpr unsigned char known[] = "\x02h2\x08http/1.1\x08http/1.0";
  const unsigned skipped = without_http2 != nullptr ? 3 : 0;
  unsigned char* chosen = nullptr;
  const int status = SSL_select_next_proto(&chosen, out_size, known + skipped,
                                           sizeof known - 1 - skipped, in, in_size);
  *out = chosen;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The certificate for the name, exact or with its first label replaced by "*"; else the first.
int choose_certificate(SSL* ssl, int*, void* by_name) {
  const auto& names = *static_cast<const std::unordered_map<std::string, SSL_CTX*>*>(by_name);
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  std::string name{without_root_dot(asked)};
  for (char& c : name) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  auto found = names.find(name);
  if (found == names.end()) {
    found = names.find(wildcard_of(name));
  }
  if (found == names.end()) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  if (SSL_get_SSL_CTX(ssl) != found->second) {
    SSL_set_SSL_CTX(ssl, found->second);
  }
  return SSL_TLSEXT_ERR_OK;
}

// Sessions of another listener, or from before another set of authorities, are not resumed: the
// client would be taken for verified by rules that are not these.
bool set_scope(SSL_CTX* context, const TlsListenerOptions& options,
               const std::string& authorities) {
  const std::string text =
      options.scope + '\n' + (options.client_required ? "r" : "o") + '\n' + authorities;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) == 1 &&
         SSL_CTX_set_session_id_context(context, digest, SSL_MAX_SID_CTX_LENGTH) == 1;
}

}  // namespace

TlsListener::~TlsListener() = default;

std::vector<std::string> TlsListener::paths() const {
  std::vector<std::string> out;
  for (const TlsListenerOptions::Files& files : options_.certificates) {
    out.push_back(files.certificate);
    out.push_back(files.key);
  }
  out.push_back(options_.client_ca);
  return out;
}

// The certificates as they are in their files now.
bool TlsListener::read(std::vector<TlsIdentity>& identities, std::string& summary,
                       std::string& error) const {
  for (const TlsListenerOptions::Files& files : options_.certificates) {
    auto identity = read_tls_identity_files(files.certificate, files.key, error);
    if (!identity) {
      return false;
    }
    const std::string out_of_date = identity->out_of_date();
    summary += (summary.empty() ? "" : "; ") + files.certificate + ": " +
               (out_of_date.empty() ? "valid until " + identity->ends() : out_of_date);
    identities.push_back(std::move(*identity));
  }
  return true;
}

// What shows these certificates.
TlsContext TlsListener::make_context(const std::vector<TlsIdentity>& identities,
                                     const CertificateSet& set, std::string& error) const {
  TlsContext context = new_tls_context(TLS_server_method());
  if (!context) {
    error = "there is no memory for it";
    return nullptr;
  }
  for (const std::size_t i : set) {
    std::string why;
    if (!use_tls_identity(context.get(), identities[i], why)) {
      error = options_.certificates[i].certificate + ": " + why;
      return nullptr;
    }
  }
  std::string authorities;
  if (!options_.client_ca.empty()) {
    if (!use_tls_authorities(context.get(), options_.client_ca, true, authorities, error)) {
      return nullptr;
    }
    SSL_CTX_set_verify(
        context.get(),
        SSL_VERIFY_PEER | (options_.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
  }
  if (!set_scope(context.get(), options_, authorities)) {
    error = "there is no memory for it";
    return nullptr;
  }
  // Resumption by tickets alone: nothing is kept here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  tickets_->serve(context.get());
  static constexpr char kWithoutHttp2 = 0;
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol,
                             options_.http2 ? nullptr : const_cast<char*>(&kWithoutHttp2));
  return context;
}

std::shared_ptr<const TlsListener::Contexts> TlsListener::load(std::string& error) const {
  auto made = std::make_shared<Contexts>();
  made->tickets = tickets_;
  std::vector<TlsIdentity> identities;
  if (!read(identities, made->summary, error)) {
    return nullptr;
  }
  std::vector<CertificateFacts> facts;
  for (const TlsIdentity& identity : identities) {
    facts.push_back({identity.names(), identity.kind()});
  }
  std::map<CertificateSet, SSL_CTX*> by_set;
  const auto context_of = [&](const CertificateSet& set) -> SSL_CTX* {
    SSL_CTX*& known = by_set[set];
    if (known == nullptr) {
      TlsContext context = make_context(identities, set, error);
      if (!context) {
        return nullptr;
      }
      known = context.get();
      if (identities.size() > 1) {
        SSL_CTX_set_tlsext_servername_callback(known, choose_certificate);
        SSL_CTX_set_tlsext_servername_arg(known, &made->by_name);
      }
      made->all.push_back(std::move(context));
    }
    return known;
  };
  if (context_of(default_certificates(facts)) == nullptr) {  // the first of all
    return nullptr;
  }
  for (const CertificateFacts& one : facts) {
    for (const std::string& name : one.names) {
      SSL_CTX* const context = context_of(certificates_for(facts, name));
      if (context == nullptr) {
        return nullptr;
      }
      made->by_name.try_emplace(name, context);
    }
  }
  return made;
}

std::shared_ptr<TlsListener> TlsListener::make(TlsListenerOptions options,
                                               std::shared_ptr<TlsTicketKeys> tickets,
                                               std::string& error) {
  std::shared_ptr<TlsListener> made{new TlsListener{std::move(options), std::move(tickets)}};
  made->seen_ = TlsFileStamp{made->paths()};
  made->current_ = made->load(error);
  return made->current_ ? made : nullptr;
}

std::unique_ptr<Tls> TlsListener::accept(int fd) const {
  std::shared_ptr<const Contexts> contexts;
  {
    const std::lock_guard lock(mutex_);
    contexts = current_;
  }
  SSL* const ssl = SSL_new(contexts->all.front().get());
  if (ssl == nullptr) {
    return nullptr;
  }
  SSL_set_accept_state(ssl);
  return std::make_unique<Tls>(ssl, fd, Tls::End::Server, std::move(contexts));
}

TlsRefresh TlsListener::refresh(std::string& what) {
  TlsFileStamp now{paths()};
  if (now == seen_) {
    return TlsRefresh::Unchanged;
  }
  seen_ = std::move(now);
  std::shared_ptr<const Contexts> next = load(what);
  if (!next) {
    return TlsRefresh::Refused;
  }
  what = next->summary;
  const std::lock_guard lock(mutex_);
  current_.swap(next);
  return TlsRefresh::Renewed;
}

}  // namespace keepsake
