#include "commands/init_command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "commands/initial_config.hpp"
#include "config/load.hpp"
#include "process/exit_code.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kBackend = "http://127.0.0.1:3000";
constexpr std::string_view kListen = "0.0.0.0:8080";
constexpr std::string_view kListenTls = "0.0.0.0:8443";
constexpr std::string_view kField = "name";

bool is_plain_name(std::string_view field) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !field.empty() && field.size() <= 64 &&
         field.find_first_not_of(kPlain) == std::string_view::npos;
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

// What `keepsake check` will say of the file, but for the secret and the certificate, which need not
// be here yet.
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
  bool good = true;
  for (const Problem& problem : loaded.problems) {
    if (!problem.path.starts_with("listen[0].tls")) {
      err << "keepsake init: " << to_string(problem) << '\n';
      good = false;
    }
  }
  return good;
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

int init_command(const InitOptions& options, std::istream& in, std::ostream& out, std::ostream& err,
                 bool interactive) {
  Questions questions{in, out, interactive};
  InitAnswers answers;
  answers.backend = questions.ask(options.backend, "Where is your service?", kBackend);
  answers.listen = questions.ask(options.listen, "Where do browsers connect?",
                                 options.certificate.empty() ? kListen : kListenTls);
  answers.field = questions.ask(options.field, "Which form field is to be remembered?", kField);
  answers.sign_in = options.sign_in;
  answers.certificate = options.certificate;
  answers.key = options.key;
  answers.redis = options.redis;
  if (!is_plain_name(answers.field)) {
    err << "keepsake init: --field: expected up to 64 letters, digits, - or _: it becomes the name "
           "of a "
           "header\n";
    return kWrongInput;
  }
  const std::string text = initial_configuration(answers);
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
      << "  keepsake run" << config << '\n';
  if (answers.sign_in) {
    out << "Your service then answers POST /login, after a good password, with the header\n"
        << "  X-Session-Set: user=NAME\n";
  }
  out << std::flush;
  return kFine;
}

}  // namespace keepsake
