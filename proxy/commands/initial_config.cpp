#include "commands/initial_config.hpp"

#include <fmt/format.h>

#include "config/yaml_writer.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kHead =
    R"text(# Keepsake in front of one service. Every other setting is at its default;
# keepsake.yaml(5) lists them all.
#
#   export SESSION_KEY="$(keepsake keygen)"    once; keep it: with another one all are strangers
#   keepsake check                             every mistake in this file, with its line
#   keepsake run

listen:
)text";

constexpr std::string_view kSignIn =
    R"(  # The service checks the password of POST /login and answers with X-Session-Set: user=ada; ten tries a minute.
  - {path: /login, methods: [POST], backend: app, cross_site: refuse, rate_limit: {requests: 10, every: 1m}}
  - {path: /login, backend: app}             # its form
  - {path: /logout, methods: [POST], clear: true, redirect: /}
  - {path: "/account/*", backend: app, require: [user], else: /login}   # signed in, or off to /login
)";

constexpr std::string_view kHeaders =
    R"(  secrets: [{env: SESSION_KEY}]          # every replica needs the same
  headers:                               # what the service receives; percent-encoded
)";

std::string capitalised(std::string text) {
  if (text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

std::string backend_text(const InitAnswers& answers) {
  std::string text = "backends:\n  app:\n";
  text += fmt::format("    servers: [{}]   # several are used in turn\n",
                      yaml_quoted(answers.backend));
  if (answers.sign_in) {
    text += "    writes_session: true               # its X-Session-Set changes the session\n";
  }
  return text;
}

std::string routes_text(const InitAnswers& answers, const std::string& name) {
  const std::string field = yaml_scalar(answers.field);
  std::string text = "routes:                                  # the first match wins\n";
  text += fmt::format("  # POST /set{} with the form field \"{}\": remembered, then off to /\n", name,
                      answers.field);
  text += fmt::format("  - {{path: /set{}, set: {{{}: {}}}, redirect: /}}\n", name, field, field);
  text += "  - {path: /reset, clear: true, redirect: /}   # forgets everything\n";
  text += answers.sign_in ? kSignIn : "";
  return text + "  - {path: \"/*\", backend: app}               # the rest goes to the service\n";
}

std::string session_text(const InitAnswers& answers, const std::string& name) {
  std::string text = "session:\n";
  text += kHeaders;
  text += fmt::format("    X-Session-{}: {}\n", name, yaml_scalar(answers.field));
  if (answers.sign_in) {
    text += "    X-Session-User: user\n";
    text += "    X-Session-Return: {return: true}     # the page that was asked for before the login\n";
  }
  if (!answers.certificate.empty()) {
    text += "  cookie: {name: __Host-session, secure: true}   # never sent over plain http\n";
  }
  if (!answers.redis.empty()) {
    text += "  store: redis                           # cookies hold an id, redis the sealed values\n";
    text += fmt::format("  redis: {{url: {}}}\n", yaml_quoted(answers.redis));
  }
  return text;
}

}  // namespace

std::string initial_configuration(const InitAnswers& answers) {
  const std::string name = capitalised(answers.field);
  std::string text{kHead};
  text += fmt::format("  - address: {}\n", yaml_quoted(answers.listen));
  if (!answers.certificate.empty()) {
    text += fmt::format("    tls: {{certificate: {}, key: {}}}   # read again when they change\n",
                        yaml_quoted(answers.certificate), yaml_quoted(answers.key));
  }
  text += '\n' + backend_text(answers) + '\n' + routes_text(answers, name) + '\n' +
          session_text(answers, name) + '\n';
  text += "admin:\n";
  text += "  address: 127.0.0.1:9090                # /healthz /readyz /metrics; null: none\n";
  return text;
}

}  // namespace keepsake
