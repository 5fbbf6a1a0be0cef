#include "admin/init_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "admin/exit_code.hpp"
#include "config/load.hpp"
#include "config/yaml_writer.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kBackend = "http://127.0.0.1:3000";
constexpr std::string_view kListen = "0.0.0.0:8080";
constexpr std::string_view kField = "name";

bool is_plain_name(std::string_view field) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !field.empty() && field.size() <= 64 &&
         field.find_first_not_of(kPlain) == std::string_view::npos;
}

std::string capitalised(std::string text) {
  if (text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

class Questions {
 public:
  Questions(std::istream& in, std::ostream& out, bool interactive)
      : in_(in), out_(out), interactive_(interactive) {}

  std::string ask(const std::optional<std::string>& given, std::string_view question,
                  std::string_view usual) {
    if (given || !interactive_) {
      return given.value_or(std::string{usual});
    }
    out_ << question << " [" << usual << "] " << std::flush;
    std::string answer;
    std::getline(in_, answer);
    const std::size_t begin = answer.find_first_not_of(" \t\r");
    if (begin == std::string::npos) {
      return std::string{usual};
    }
    return answer.substr(begin, answer.find_last_not_of(" \t\r") - begin + 1);
  }

 private:
  std::istream& in_;
  std::ostream& out_;
  bool interactive_;
};

// What `keepsake check` will say of the file, but for the secret, which is not made yet.
bool passes(const std::string& text, std::ostream& err) {
  Environment world;
  world.variable = [](const std::string&) {
    return std::optional<std::string>{"2hq7Zr0bVx9Yk3mWc8TnLp5sJd1fGe6u"};
  };
  world.read_file = [](const std::string&, FileError& error) {
    error.why = "not read";
    return std::optional<std::string>{};
  };
  const Loaded loaded = load_config_text(text, "the new file", world);
  for (const Problem& problem : loaded.problems) {
    err << "keepsake init: " << to_string(problem) << '\n';
  }
  return loaded.config.has_value();
}

bool write_file(const std::string& path, const std::string& text, bool force, std::ostream& err) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
  const int fd = ::open(path.c_str(), flags, 0644);
  if (fd < 0) {
    err << "keepsake init: " << path << ": "
        << (errno == EEXIST ? "is there already; --force replaces it, --output FILE writes another"
                            : std::strerror(errno))
        << '\n';
    return false;
  }
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t n = ::write(fd, left.data(), left.size());
    if (n <= 0) {
      err << "keepsake init: " << path << ": " << std::strerror(errno) << '\n';
      ::close(fd);
      return false;
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::close(fd) == 0;
}

}  // namespace

std::string initial_configuration(const std::string& backend, const std::string& listen,
                                  const std::string& field) {
  const std::string name = capitalised(field);
  std::string text;
  text += "# Keepsake in front of one service. Every other setting is at its default;\n";
  text += "# keepsake.yaml(5) lists them all.\n";
  text += "#\n";
  text +=
      "#   export SESSION_KEY=\"$(keepsake keygen)\"    once; keep it: with another one all are "
      "strangers\n";
  text +=
      "#   keepsake check                             every mistake in this file, with its line\n";
  text += "#   keepsake run\n\n";
  text += "listen:\n";
  text += fmt::format("  - address: {}\n\n", yaml_quoted(listen));
  text += "backends:\n";
  text += "  app:\n";
  text += fmt::format("    servers: [{}]   # several are used in turn\n\n", yaml_quoted(backend));
  text += "routes:                                  # the first match wins\n";
  text += fmt::format("  # POST {0} with the form field \"{1}\": remembered, then off to /\n",
                      "/set" + name, field);
  text += fmt::format("  - {{path: /set{}, set: {{{}: {}}}, redirect: /}}\n", name,
                      yaml_scalar(field), yaml_scalar(field));
  text += "  - {path: /reset, clear: true, redirect: /}   # forgets everything\n";
  text += "  - {path: \"/*\", backend: app}               # the rest goes to the service\n\n";
  text += "session:\n";
  text += "  secrets: [{env: SESSION_KEY}]          # every replica needs the same\n";
  text += "  headers:                               # what the service receives; percent-encoded\n";
  text += fmt::format("    X-Session-{}: {}\n\n", name, yaml_scalar(field));
  text += "admin:\n";
  text += "  address: 127.0.0.1:9090                # /healthz /readyz /metrics; null: none\n";
  return text;
}

int init_command(const InitOptions& options, std::istream& in, std::ostream& out, std::ostream& err,
                 bool interactive) {
  Questions questions{in, out, interactive};
  const std::string backend = questions.ask(options.backend, "Where is your service?", kBackend);
  const std::string listen = questions.ask(options.listen, "Where do browsers connect?", kListen);
  const std::string field =
      questions.ask(options.field, "Which form field is to be remembered?", kField);
  if (!is_plain_name(field)) {
    err << "keepsake init: --field: expected up to 64 letters, digits, - or _: it becomes the name "
           "of a "
           "header\n";
    return kWrongInput;
  }
  const std::string text = initial_configuration(backend, listen, field);
  if (!passes(text, err)) {
    return kWrongInput;
  }
  if (options.output == "-") {
    out << text << std::flush;
    return out ? kFine : kFailed;
  }
  if (!write_file(options.output, text, options.force, err)) {
    return kFailed;
  }
  const std::string config = options.output == "keepsake.yaml" ? "" : " --config " + options.output;
  out << "Wrote " << options.output << ". Next:\n"
      << "  export SESSION_KEY=\"$(keepsake keygen)\"\n"
      << "  keepsake check" << config << '\n'
      << "  keepsake run" << config << '\n'
      << std::flush;
  return kFine;
}

}  // namespace keepsake
