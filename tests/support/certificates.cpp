#include "support/certificates.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace keepsake::test {

namespace {

void must(bool good, const char* what) {
  if (!good) {
    throw std::runtime_error(std::string{"cannot make a certificate: "} + what);
  }
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unique_ptr<std::FILE, Close> create(const std::string& path) {
  std::unique_ptr<std::FILE, Close> file{std::fopen(path.c_str(), "w")};
  must(file != nullptr, path.c_str());
  return file;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  must(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* new_certificate(EVP_PKEY* key, const std::string& name, int begins, int ends) {
  static long serial = 1;
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begins * 86400L);
  X509_gmtime_adj(X509_getm_notAfter(certificate), ends * 86400L);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

SSL* ssl_of(void* raw) {
  return static_cast<SSL*>(raw);
}

}  // namespace

Certificates::Certificates() : folder_("/tmp/keepsake-tls-XXXXXX") {
  must(::mkdtemp(folder_.data()) != nullptr, "no folder");
  key_.reset(EVP_EC_gen("P-256"));
  authority_.reset(new_certificate(key_.get(), "Test authority " + folder_, -1, 30));
  X509_set_issuer_name(authority_.get(), X509_get_subject_name(authority_.get()));
  add_extension(authority_.get(), NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(authority_.get(), key_.get(), EVP_sha256()) != 0, "signature");
  PEM_write_X509(create(authority()).get(), authority_.get());
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Certificates::Pair Certificates::make(const std::string& file,
                                      const std::vector<std::string>& names, int begins, int ends) {
  const Pair pair{folder_ + "/" + file + ".crt", folder_ + "/" + file + ".key"};
  const std::unique_ptr<EVP_PKEY, Free> key{EVP_EC_gen("P-256")};
  const std::unique_ptr<X509, Free> leaf{new_certificate(key.get(), names.front(), begins, ends)};
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(authority_.get()));
  std::string alternatives;
  for (const std::string& name : names) {
    if (name.find(' ') == std::string::npos) {
      alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
    }
  }
  if (!alternatives.empty()) {
    add_extension(leaf.get(), NID_subject_alt_name, alternatives);
  }
  must(X509_sign(leaf.get(), key_.get(), EVP_sha256()) != 0, "signature");
  PEM_write_X509(create(pair.certificate).get(), leaf.get());
  PEM_write_PrivateKey(create(pair.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return pair;
}

std::string Certificates::write(const std::string& file, std::string_view text) const {
  std::string path = folder_ + "/" + file;
  std::fwrite(text.data(), 1, text.size(), create(path).get());
  return path;
}

TlsEnd::TlsEnd(int fd, const Options& options) {
  SSL_CTX* context = SSL_CTX_new(options.server ? TLS_server_method() : TLS_client_method());
  context_ = context;
  SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  SSL_CTX_set_min_proto_version(context, options.min_version);
  SSL_CTX_set_max_proto_version(context, options.max_version);
  if (!options.own.certificate.empty()) {
    must(SSL_CTX_use_certificate_chain_file(context, options.own.certificate.c_str()) == 1 &&
             SSL_CTX_use_PrivateKey_file(context, options.own.key.c_str(), SSL_FILETYPE_PEM) == 1,
         options.own.certificate.c_str());
  }
  if (!options.authority.empty()) {
    SSL_CTX_load_verify_locations(context, options.authority.c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  static constexpr unsigned char scope[] = "test";
  SSL_CTX_set_session_id_context(context, scope, 4);
  SSL* ssl = SSL_new(context);
  ssl_ = ssl;
  SSL_set_fd(ssl, fd);
  if (options.server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    if (!options.name.empty()) {
      SSL_set_tlsext_host_name(ssl, options.name.c_str());
      SSL_set1_host(ssl, options.name.c_str());
    }
    if (options.session != nullptr) {
      SSL_set_session(ssl, static_cast<SSL_SESSION*>(options.session));
    }
  }
}

TlsEnd::~TlsEnd() {
  SSL_free(ssl_of(ssl_));
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

bool TlsEnd::handshake(std::string& why) {
  ERR_clear_error();
  if (SSL_do_handshake(ssl_of(ssl_)) == 1) {
    return true;
  }
  const char* reason = ERR_reason_error_string(ERR_get_error());
  why = reason != nullptr ? reason : "closed";
  return false;
}

bool TlsEnd::send(std::string_view bytes) {
  return SSL_write(ssl_of(ssl_), bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string TlsEnd::receive(std::size_t most) {
  std::string bytes(most, '\0');
  ERR_clear_error();
  const int n = SSL_read(ssl_of(ssl_), bytes.data(), static_cast<int>(most));
  if (n <= 0) {
    const int error = SSL_get_error(ssl_of(ssl_), n);
    const bool eof = error == SSL_ERROR_SYSCALL ||
                     ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    ending_ = error == SSL_ERROR_ZERO_RETURN ? "close_notify" : eof ? "eof" : "error";
  }
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

std::string TlsEnd::receive_until(std::string_view marker) {
  std::string all;
  while (all.find(marker) == std::string::npos) {
    const std::string piece = receive(65536);
    if (piece.empty()) {
      break;
    }
    all += piece;
  }
  return all;
}

void TlsEnd::say_end() {
  SSL_shutdown(ssl_of(ssl_));
}

}  // namespace keepsake::test
