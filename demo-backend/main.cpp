// demo-backend: a stateless web server to put behind Keepsake. Its session lives in the proxy; it
// only reads headers. README.md lists its pages.

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "demo-backend/server.hpp"

namespace {

constexpr std::chrono::seconds patience{10};

int run(const keepsake::SocketAddress& listen) {
  namespace asio = boost::asio;
  asio::io_context context{1};
  keepsake::demo::Server server{context, listen};
  server.start();

  asio::signal_set signals{context, SIGTERM, SIGINT};
  signals.async_wait([&server, &context, &signals](boost::system::error_code error, int) {
    if (error) {
      return;
    }
    server.stop(patience);
    // Who asks twice does not want to wait.
    signals.async_wait([&context](boost::system::error_code again, int) {
      if (!again) {
        context.stop();
      }
    });
  });

  std::cout << "demo-backend listens on " << server.address().to_string() << std::endl;
  context.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"demo-backend: a stateless web server to put behind Keepsake"};
  app.set_version_flag("--version", KEEPSAKE_VERSION);
  std::string listen = "127.0.0.1:8081";
  app.add_option("--listen", listen,
                 "HOST:PORT, [V6]:PORT or unix:/PATH; port 0 lets the kernel choose")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  std::string problem;
  const auto address = keepsake::parse_socket_address(listen, problem);
  if (!address) {
    std::cerr << "demo-backend: --listen " << listen << ": " << problem << "\n";
    return 2;
  }
  try {
    return run(*address);
  } catch (const std::exception& error) {
    std::cerr << "demo-backend: " << listen << ": " << error.what() << "\n";
    return 1;
  }
}
