#pragma once
// The accept loop of one worker on one listening socket.

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/listening_sockets.hpp"
#include "server/worker.hpp"

namespace keepsake {

struct Worker::Listener {
  Listener(asio::io_context& io, const ListenSpot& spot, std::shared_ptr<const View> wanted)
      : socket(spot.socket),
        descriptor(io, spot.socket->fd()),
        pause(io),
        farewell(io),
        view(std::move(wanted)),
        index(spot.index) {}
  // The descriptor belongs to `socket`, which others may share.
  ~Listener() { descriptor.release(); }

  const Front& front() const { return view->snapshot->certificates.fronts[index]; }

  // Accepts no more, whatever waits.
  void stop() {
    stopped = true;
    wake();
  }
  // Accepts what waits by now, then no more.
  void take_the_last() {
    last_look = true;
    wake();
  }

  SharedSocket socket;
  asio::posix::basic_stream_descriptor<Executor> descriptor;
  asio::steady_timer pause;     // after a failure
  asio::steady_timer farewell;  // until the last look
  // The configuration it was last wanted by, which it goes by to its end, and where it stands
  // there.
  std::shared_ptr<const View> view;
  std::size_t index;     // in Config::listen of `view`
  bool leaving = false;  // no longer wanted; a last look follows
  bool last_look = false;
  bool stopped = false;

 private:
  void wake() {
    error_code ignored;
    descriptor.cancel(ignored);
    pause.cancel();
    farewell.cancel();
  }
};

}  // namespace keepsake
