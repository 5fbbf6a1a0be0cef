#include "io/tls_certificate_sets.hpp"

#include <algorithm>

namespace keepsake {

namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool share_a_name(const CertificateFacts& a, const CertificateFacts& b) {
  return (a.names.empty() && b.names.empty()) ||
         std::any_of(a.names.begin(), a.names.end(),
                     [&b](const std::string& name) { return has(b.names, name); });
}

void add(const std::vector<CertificateFacts>& all, std::size_t i, CertificateSet& set) {
  const auto same_kind = [&](std::size_t j) { return all[j].kind == all[i].kind; };
  if (std::none_of(set.begin(), set.end(), same_kind)) {
    set.push_back(i);
  }
}

void add_named(const std::vector<CertificateFacts>& all, const std::string& name,
               CertificateSet& set) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (has(all[i].names, name)) {
      add(all, i, set);
    }
  }
}

}  // namespace

std::string wildcard_of(const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos ? std::string{} : "*" + name.substr(dot);
}

CertificateSet certificates_for(const std::vector<CertificateFacts>& all, const std::string& name) {
  CertificateSet set;
  add_named(all, name, set);
  const std::string wildcard = wildcard_of(name);
  if (!wildcard.empty() && wildcard != name) {
    add_named(all, wildcard, set);
  }
  return set;
}

CertificateSet default_certificates(const std::vector<CertificateFacts>& all) {
  CertificateSet set;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || share_a_name(all.front(), all[i])) {
      add(all, i, set);
    }
  }
  return set;
}

std::vector<std::size_t> unused_certificates(const std::vector<CertificateFacts>& all) {
  std::vector<bool> used(all.size(), false);
  for (const std::size_t i : default_certificates(all)) {
    used[i] = true;
  }
  for (const CertificateFacts& facts : all) {
    for (const std::string& name : facts.names) {
      for (const std::size_t i : certificates_for(all, name)) {
        used[i] = true;
      }
    }
  }
  std::vector<std::size_t> unused;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!used[i]) {
      unused.push_back(i);
    }
  }
  return unused;
}

}  // namespace keepsake
