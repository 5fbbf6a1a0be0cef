#pragma once
// One end of a tunnel: a connection, or a stream of an HTTP/2 one. One branch for each operation,
// as in client_side.hpp.

#include <string_view>

#include "backend/backend_connection.hpp"
#include "base/buffer.hpp"
#include "exchange/client.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace keepsake {

class TunnelEnd {
 public:
  explicit TunnelEnd(BackendConnection& backend) : wire_(backend.stream), backend_(&backend) {}
  explicit TunnelEnd(Client& client) : wire_(client.wire), stream_(client.http2) {}

  // Waits for bytes and puts them into `in`, which is empty. Not for a backend's connection, which
  // reads by itself.
  Task<IoResult> read(Buffer& in, SteadyTime deadline);
  // Of them so many are done with: the peer may send as many more.
  void credit(std::size_t bytes);
  // TimedOut: the peer accepted nothing for `stall`.
  Task<IoStatus> write(Millis stall, std::string_view data);
  // Nothing more will be written.
  void end();
  // Both directions are over. `broken`: not in order.
  void close(bool broken);

  // The stamp `timeout` from now, for a read.
  SteadyTime in(Millis timeout) const { return wire_.in(timeout); }
  // A read that waits ends with TimedOut, once the worker's sweep has looked.
  void wake_reader(SteadyTime now);
  // Ends what waits, and what would.
  void interrupt();

 private:
  Stream& wire_;
  Http2Stream* stream_ = nullptr;         // of an HTTP/2 client
  BackendConnection* backend_ = nullptr;  // the end is the backend's
};

}  // namespace keepsake
