#pragma once
// A world for the loader that needs no variables and files of the machine, and short ways to load.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace keepsake::test {

inline constexpr std::string_view good_secret = "kUu2mB0mC9z5kq1oJ3oSgH7dYxX0nVfQ4w8tZrL6eAs";

// A certificate that lasts a hundred years and its key; worth nothing.
inline constexpr std::string_view a_certificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBRTCB7aADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2V4YW1wbGUw\n"
    "IBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB2V4\n"
    "YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT/aqQjX2F/knBPUNUGbu4a\n"
    "vYu0eFxqTa2EyUZ2j+I84SOYAsshcXff0w8TENkumGquE2npD7q1TxKW+CjcY+JG\n"
    "ozIwMDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBS1W9dINC9NRyJHLgXnLnhq\n"
    "H98FdTAKBggqhkjOPQQDAgNHADBEAiA+99RX00Spszvo3FFMwiDE2xXRkD7eX5z/\n"
    "wqmoGx3XuwIgcX7lmHv/ZWLR+/drI9eBmQOFT8R7za/V5Cs2phCv5XI=\n"
    "-----END CERTIFICATE-----\n";
inline constexpr std::string_view its_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG4ZBB3dQQcqO0BQE\n"
    "/QQaBUWk5tBQDIiCmwVYgEgQxUChRANCAAT/aqQjX2F/knBPUNUGbu4avYu0eFxq\n"
    "Ta2EyUZ2j+I84SOYAsshcXff0w8TENkumGquE2npD7q1TxKW+CjcY+JG\n"
    "-----END PRIVATE KEY-----\n";

// Starts with the variables and files that the files of bad/ speak of.
struct World {
  std::map<std::string, std::string> variables{
      {"SESSION_KEY", std::string{good_secret}},
      {"SHORT_KEY", "only-31-bytes-of-secret-text-xx"},
      {"REPEATED_KEY", std::string(40, 'k')},
      {"SAMPLE_KEY", "replace-me-with-the-output-of-keepsake-keygen"},
      {"ASSERTION_KEY", "a-secret-between-keepsake-and-one-backend"},
      {"ADMIN_TOKEN", "a-token-that-only-the-operators-of-this-proxy-have"},
      {"REDIS_PASSWORD", "a-word-for-redis"},
      {"EMPTY_KEY", ""}};
  std::map<std::string, std::string> files{
      {"/run/secrets/good", "Zt0vJ8Qm5sYwN2rX7bLkE4hUaG9fPcD1iOoT6nWxSuM\n"},
      {"/run/secrets/31_and_newline", "only-31-bytes-of-secret-text-xx\n"},
      {"/run/secrets/old_key", "nP4yq8Lw1sVbT6xKc0eRj3uHmZ9dGfA7iQoX5rNtYwE"},
      {"/etc/keepsake/tls.crt", std::string{a_certificate}},
      {"/etc/keepsake/tls.key", std::string{its_key}},
      {"/etc/keepsake/shop.crt", std::string{a_certificate}},
      {"/etc/keepsake/shop.key", std::string{its_key}},
      {"/etc/keepsake/proxy.crt", std::string{a_certificate}},
      {"/etc/keepsake/proxy.key", std::string{its_key}},
      {"/etc/keepsake/clients.crt", std::string{a_certificate}},
      {"/etc/keepsake/internal.crt", std::string{a_certificate}},
      {"/etc/keepsake/missing.html", "<h1>{status} {title}</h1>"},
      {"/etc/keepsake/down.html", "<h1>{status} {title}</h1>"},
      {"/pages/empty.html", ""},
      {"/pages/latin1.html", "<h1>F\xFCr immer weg</h1>"},
      {"/pages/large.html", std::string(64 * 1024 + 1, 'x')},
      {"/etc/tls.crt", std::string{a_certificate}},
      {"/etc/tls.key", std::string{its_key}}};

  Environment environment() const {
    return {[this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional{found->second};
            },
            [this](const std::string& path, FileError& error) -> std::optional<std::string> {
              const auto found = files.find(path);
              if (found == files.end()) {
                error = {"No such file or directory", true};
                return std::nullopt;
              }
              return found->second;
            }};
  }

  Loaded load(std::string_view yaml) const {
    return load_config_text(yaml, "test.yaml", environment());
  }
};

// "line:column: path: message" of each problem.
inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (Problem problem : problems) {
    problem.file.clear();
    out.push_back(to_string(problem).substr(problem.line > 0 ? 1 : 0));
  }
  return out;
}

// The least that loads, plus `more` at its end; `session` goes into the session section.
inline std::string minimal(std::string_view more = {}, std::string_view session = {}) {
  std::string yaml =
      "listen: [{address: \"127.0.0.1:8080\"}]\n"
      "backends: {app: {servers: [\"http://127.0.0.1:8081\"]}}\n"
      "session:\n"
      "  secrets: [{env: SESSION_KEY}]\n";
  yaml.append(session.empty() ? "" : "  ").append(session).append("\n").append(more).append("\n");
  return yaml;
}

}  // namespace keepsake::test
