// The keepsake program: its command line. What each command does is in admin/.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "commands/check_command.hpp"
#include "commands/health_command.hpp"
#include "commands/init_command.hpp"
#include "commands/inspect_command.hpp"
#include "commands/keygen_command.hpp"
#include "commands/top_command.hpp"
#include "demo-backend/in_process.hpp"
#include "process/exit_code.hpp"
#include "process/run_command.hpp"

namespace {

using namespace keepsake;

constexpr const char* kAboutConfig =
    "The configuration file, or a folder of them; without it ./keepsake.yaml, then "
    "/etc/keepsake/keepsake.yaml";

constexpr const char* kFooter =
    "Examples:\n"
    "  keepsake init                                write a configuration after three questions\n"
    "  export SESSION_KEY=\"$(keepsake keygen)\"     a secret, once; every replica needs the same\n"
    "  keepsake check --config keepsake.yaml        all mistakes of a file, with their lines\n"
    "  keepsake run --config keepsake.yaml          serve\n"
    "\nExit codes: 0 fine, 1 failed at run time, 2 wrong usage or configuration.\n";

constexpr const char* kRunFooter =
    "Signals: SIGHUP reads the file again (a bad one changes nothing), SIGTERM and SIGINT let\n"
    "requests finish for timeouts.drain, a second one ends them at once. SIGUSR1 opens the log "
    "files\n"
    "anew. SIGUSR2 starts the program anew, which takes over the listening sockets; this one "
    "drains.\n"
    "\nExamples:\n"
    "  keepsake run --demo                          no file, no service: just look\n"
    "  SESSION_KEY=\"$(keepsake keygen)\" keepsake run --config config/demo.yaml\n"
    "  kill -HUP \"$(pidof keepsake)\"\n";

constexpr const char* kCheckFooter =
    "Every problem is one line on standard error: FILE:LINE:COLUMN: KEY: what is wrong.\n"
    "Secrets and certificates are read too, so run it where and as whom keepsake will run.\n"
    "\nExamples:\n"
    "  keepsake check --config /etc/keepsake/keepsake.yaml && systemctl reload keepsake\n";

constexpr const char* kInitFooter =
    "Without a terminal nothing is asked: what no flag says is at its default.\n"
    "\nExamples:\n"
    "  keepsake init                                asks, and writes ./keepsake.yaml\n"
    "  keepsake init --backend http://web:3000 --listen 0.0.0.0:80 --field name --output -\n"
    "  keepsake init --sign-in --redis redis://127.0.0.1:6379/0\n"
    "  keepsake init --certificate tls.crt --key tls.key --listen 0.0.0.0:443\n";

constexpr const char* kKeygenFooter =
    "Examples:\n"
    "  export SESSION_KEY=\"$(keepsake keygen)\"      with  secrets: [{env: SESSION_KEY}]\n"
    "  (umask 077; keepsake keygen > session_key)   with  secrets: [{file: session_key}]\n"
    "\nTo rotate, add the new secret behind the old one in session.secrets on every replica and "
    "reload;\n"
    "then put it first and reload; remove the old one after session.idle_timeout.\n";

constexpr const char* kInspectFooter =
    "Exit code 0: valid; 1: not, and why. It shows what the visitor entered: mind who looks on.\n"
    "\nExamples:\n"
    "  keepsake inspect 'session=AdC2Sa8A...'       pasted from a browser\n"
    "  keepsake inspect - < cookie.txt              keeps it out of the shell's history\n";

constexpr const char* kHealthFooter =
    "Exit code 0: the answer was 2xx; 1: another one, or none in time.\n"
    "\nExamples:\n"
    "  keepsake health http://127.0.0.1:9090/readyz\n"
    "  keepsake health --unix-socket /run/keepsake/admin.sock http://localhost/healthz\n"
    "  HEALTHCHECK CMD [\"keepsake\", \"health\", \"http://127.0.0.1:9090/healthz\"]\n";

constexpr const char* kTopFooter =
    "In a terminal it is drawn anew until q or Ctrl-C; anywhere else one frame is printed.\n"
    "\nExamples:\n"
    "  keepsake top http://127.0.0.1:9090\n"
    "  keepsake top --once http://127.0.0.1:9090 | head -3\n";

struct CommandLine {
  CommandLine() {
    app.set_version_flag("--version", "keepsake " KEEPSAKE_VERSION, "Print the version and exit");
    app.require_subcommand(1);
    app.footer(kFooter);
    app.failure_message([](const CLI::App* where, const CLI::Error& error) {
      return "keepsake: " + std::string{error.what()} + "\nTry: " + name_of(where) + " --help\n";
    });

    run->add_option("-c,--config", config_file, kAboutConfig)->type_name("FILE");
    run->add_flag("--demo", demo, "No file: a demo service in this process, and a key of its own")
        ->excludes("--config");
    run->add_option("--listen", demo_listen, "With --demo: where clients connect")
        ->type_name("HOST:PORT")
        ->capture_default_str()
        ->needs("--demo");
    run->footer(kRunFooter);
    check->add_option("-c,--config", config_file, kAboutConfig)->type_name("FILE");
    check->footer(kCheckFooter);
    init->add_option("--backend", wanted.backend, "URL of your service")->type_name("URL");
    init->add_option("--listen", wanted.listen, "Where clients connect")->type_name("HOST:PORT");
    init->add_option("--field", wanted.field, "The form field to remember")->type_name("NAME");
    init->add_flag("--sign-in", wanted.sign_in, "Routes for a login that your service checks");
    CLI::Option* certificate =
        init->add_option("--certificate", wanted.certificate, "Speak https with this PEM file")
            ->type_name("FILE");
    CLI::Option* key =
        init->add_option("--key", wanted.key, "The private key of --certificate")->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    init->add_option("--redis", wanted.redis, "Keep sessions in this redis")->type_name("URL");
    init->add_option("-o,--output", wanted.output, "The file to write; - is standard output")
        ->type_name("FILE")
        ->capture_default_str();
    init->add_flag("--force", wanted.force, "Replace a file that is there");
    init->footer(kInitFooter);
    keygen->footer(kKeygenFooter);
    inspect->add_option("-c,--config", config_file, kAboutConfig)->type_name("FILE");
    inspect
        ->add_option("cookie", inspected.cookie,
                     "The value, NAME=VALUE or a whole Cookie line; - reads standard input")
        ->type_name("COOKIE")
        ->required();
    inspect->add_option("--host", inspected.host, "The request's host, with cookie.bind_host")
        ->type_name("HOST");
    inspect->footer(kInspectFooter);
    health->add_option("url", asked.url, "http://HOST[:PORT][/PATH]")->type_name("URL")->required();
    health->add_option("--unix-socket", asked.unix_socket, "Connect to this unix socket")
        ->type_name("PATH");
    health->add_option("--timeout", asked.timeout, "How long to wait for the answer")
        ->type_name("DURATION")
        ->capture_default_str();
    health->footer(kHealthFooter);
    top->add_option("url", watched.url, "The admin listener: http://HOST[:PORT]")
        ->type_name("URL")
        ->required();
    top->add_option("--unix-socket", watched.unix_socket, "Connect to this unix socket")
        ->type_name("PATH");
    top->add_option("--interval", watched.interval, "Between two looks")
        ->type_name("DURATION")
        ->capture_default_str();
    top->add_flag("--once", watched.once, "Print one frame and exit");
    top->footer(kTopFooter);
  }

  // "keepsake run": as it was called, for the hint at its help.
  static std::string name_of(const CLI::App* where) {
    for (const CLI::App* chosen : where->get_subcommands()) {
      return where->get_name() + ' ' + chosen->get_name();
    }
    return where->get_name();
  }

  int run_demo() const {
    try {
      const demo::InProcess backend;
      return run_command({{}, backend.port(), demo_listen});
    } catch (const std::exception& error) {
      std::cerr << "keepsake: the demo service cannot listen: " << error.what() << '\n';
      return kFailed;
    }
  }

  int execute() {
    if (run->parsed()) {
      return demo ? run_demo() : run_command({config_file, 0, {}});
    }
    if (check->parsed()) {
      return check_command(config_file);
    }
    if (inspect->parsed()) {
      inspected.config_file = config_file;
      return inspect_command(inspected);
    }
    if (init->parsed()) {
      return init_command(wanted, std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) == 1);
    }
    if (top->parsed()) {
      return top_command(watched);
    }
    return health->parsed() ? health_command(asked) : keygen_command();
  }

  CLI::App app{"Keepsake is a reverse proxy that gives sessions to stateless backends.",
               "keepsake"};
  CLI::App* run = app.add_subcommand("run", "Serve by a configuration file");
  CLI::App* check = app.add_subcommand("check", "Say everything that is wrong with a file");
  CLI::App* init = app.add_subcommand("init", "Write a configuration for your service");
  CLI::App* keygen = app.add_subcommand("keygen", "Print a new secret for session.secrets");
  CLI::App* inspect =
      app.add_subcommand("inspect", "Open a session cookie with the keys of a file");
  CLI::App* health = app.add_subcommand("health", "Ask a URL, for health checks of containers");
  CLI::App* top = app.add_subcommand("top", "Watch the metrics of a running keepsake");
  std::string config_file;
  std::string demo_listen = "127.0.0.1:8080";
  bool demo = false;
  TopOptions watched;
  InspectOptions inspected;
  HealthOptions asked;
  InitOptions wanted;
};

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return line.app.exit(error) == 0 ? kFine : kWrongInput;
  }
  return line.execute();
}
