// keepsake: run, check, keygen, inspect, health.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "base/log.hpp"
#include "config/load.hpp"
#include "server/server.hpp"

int main(int argc, char** argv) {
  using namespace keepsake;
  CLI::App app{"keepsake"};
  auto* run = app.add_subcommand("run");
  std::string file = "keepsake.yaml";
  run->add_option("--config", file);
  CLI11_PARSE(app, argc, argv);
  set_up_log(spdlog::level::info, false);
  Loaded loaded = load_config_file(file);
  for (const Problem& p : loaded.problems) {
    std::cerr << p.file << ":" << p.line << ":" << p.column << ": " << p.path << ": " << p.message << "\n";
  }
  if (!loaded.config) {
    return 2;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  SystemClock clock;
  Server server{std::move(*loaded.config), clock};
  std::string error;
  if (!server.start(error)) {
    std::cerr << error << "\n";
    return 1;
  }
  int sig = 0;
  sigwait(&set, &sig);
  server.drain();
  server.wait(Millis{30000});
  return 0;
}
