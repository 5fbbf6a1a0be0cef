#include "demo-backend/in_process.hpp"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "demo-backend/server.hpp"

namespace keepsake::demo {
namespace {

constexpr std::chrono::seconds patience{1};

SocketAddress free_port() {
  SocketAddress address;
  address.host = "127.0.0.1";
  return address;
}

}  // namespace

struct InProcess::Inside {
  asio::io_context context{1};
  Server server{context, free_port()};
  std::thread thread;
};

InProcess::InProcess() : inside_(std::make_unique<Inside>()) {
  inside_->server.start();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);  // signals are for the program's other threads
  pthread_sigmask(SIG_SETMASK, &all, &before);
  inside_->thread = std::thread([inside = inside_.get()] { inside->context.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

InProcess::~InProcess() {
  asio::post(inside_->context, [inside = inside_.get()] { inside->server.stop(patience); });
  inside_->thread.join();
}

std::uint16_t InProcess::port() const {
  return inside_->server.address().port;
}

}  // namespace keepsake::demo
