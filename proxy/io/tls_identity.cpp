#include "io/tls_identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace keepsake {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio bio_of(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// Nobody is there to type a passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

// All certificates of the text. False: one of them is broken.
bool read_certificates(std::string_view pem, std::vector<TlsIdentity::Certificate>& out) {
  const Bio bio = bio_of(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    out.emplace_back(certificate);
  }
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

std::string date(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return "an unreadable date";
  }
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string certificate_problem(std::string_view pem, TlsIdentity& identity) {
  if (pem.empty()) {
    return "is empty, expected a certificate in PEM";
  }
  std::vector<TlsIdentity::Certificate> all;
  const bool whole = read_certificates(pem, all);
  if (!whole) {
    return all.empty() ? "holds a broken certificate: the file may be cut off"
                       : "holds a broken certificate behind the first: the file may be cut off";
  }
  if (all.empty()) {
    return pem.find("PRIVATE KEY-----") != std::string_view::npos
               ? "holds a private key and no certificate"
               : "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
  }
  identity.leaf = std::move(all.front());
  for (std::size_t i = 1; i < all.size(); ++i) {
    identity.chain.push_back(std::move(all[i]));
  }
  return {};
}

std::string key_problem(std::string_view pem, TlsIdentity& identity) {
  if (pem.empty()) {
    return "is empty, expected a private key in PEM";
  }
  const Bio bio = bio_of(pem);
  identity.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (identity.key) {
    return {};
  }
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return "is encrypted, and nobody could type its passphrase at start; decrypt it with: openssl "
           "pkey -in FILE -out NEWFILE";
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return "holds a broken private key: the file may be cut off";
  }
  return "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)";
}

}  // namespace

std::vector<std::string> TlsIdentity::names() const {
  std::vector<std::string> out;
  auto* const all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(leaf.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) {
      continue;
    }
    std::string& text =
        out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    for (char& c : text) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
  }
  GENERAL_NAMES_free(all);
  return out;
}

std::string TlsIdentity::ends() const {
  return date(X509_get0_notAfter(leaf.get()));
}

std::string TlsIdentity::out_of_date() const {
  if (X509_cmp_current_time(X509_get0_notAfter(leaf.get())) < 0) {
    return "the certificate has expired on " + ends();
  }
  if (X509_cmp_current_time(X509_get0_notBefore(leaf.get())) > 0) {
    return "the certificate is not valid before " + date(X509_get0_notBefore(leaf.get()));
  }
  return {};
}

std::optional<TlsIdentity> read_tls_identity(std::string_view certificate_pem,
                                             std::string_view key_pem,
                                             TlsIdentityProblem& problem) {
  ERR_clear_error();
  TlsIdentity identity;
  problem.certificate = certificate_problem(certificate_pem, identity);
  problem.key = key_problem(key_pem, identity);
  if (!problem.certificate.empty() || !problem.key.empty()) {
    return std::nullopt;
  }
  const int matches = X509_check_private_key(identity.leaf.get(), identity.key.get());
  ERR_clear_error();
  if (matches != 1) {
    problem.key = "is not the key of the certificate (of its first, the server's own)";
    return std::nullopt;
  }
  return identity;
}

std::vector<TlsIdentity::Certificate> read_tls_authorities(std::string_view pem,
                                                           std::string& error) {
  ERR_clear_error();
  std::vector<TlsIdentity::Certificate> all;
  if (!read_certificates(pem, all)) {
    error = "holds a broken certificate: the file may be cut off";
    all.clear();
  } else if (all.empty()) {
    error = "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
  }
  return all;
}

}  // namespace keepsake
