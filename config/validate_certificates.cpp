// What stands in certificate files, judged by the same code that will use them.

#include "config/validate.hpp"
#include "io/tls_files.hpp"
#include "io/tls_identity.hpp"

namespace keepsake {

std::optional<CertificateFacts> validate_identity(const TlsFiles& files, const std::string& place,
                                                  const Environment& environment, Report& report) {
  const std::string at_certificate = join_path(place, "certificate");
  const std::string at_key = join_path(place, "key");
  FileError ignored;  // validate_file has said it
  const std::optional<std::string> certificate = environment.read_file(files.certificate, ignored);
  std::optional<std::string> key = environment.read_file(files.key, ignored);
  if (!certificate || !key) {
    return std::nullopt;
  }
  TlsIdentityProblem problem;
  const std::optional<TlsIdentity> identity = read_tls_identity(*certificate, *key, problem);
  wipe(*key);
  if (!problem.certificate.empty()) {
    report.problem(at_certificate, "the file " + files.certificate + " " + problem.certificate);
  }
  if (!problem.key.empty()) {
    report.problem(at_key, "the file " + files.key + " " + problem.key);
  }
  if (identity && !identity->out_of_date().empty()) {
    report.warning(at_certificate, "the file " + files.certificate + ": " +
                                       identity->out_of_date() + ", so others will not trust it");
  }
  return identity ? std::optional{CertificateFacts{identity->names(), identity->kind()}}
                  : std::nullopt;
}

void validate_authorities(const std::string& file, const std::string& place,
                          const Environment& environment, Report& report) {
  FileError ignored;  // validate_file has said it
  const std::optional<std::string> text = environment.read_file(file, ignored);
  std::string error;
  if (text && read_tls_authorities(*text, error).empty()) {
    report.problem(place, "the file " + file + " " + error);
  }
}

}  // namespace keepsake
