#include "backend/shared_connections.hpp"

#include <algorithm>
#include <utility>

namespace keepsake {

namespace {
constexpr std::size_t kUsualSpares = 64;
}

// One that waits; in the frame of connect().
struct SharedConnections::Standing {
  BackendStream& stream;
  ServerPool::Connected& result;
  Millis timeout;
  SteadyTime until;
  SharedConnection* seat = nullptr;
  bool over = false;
  Wakeup turn{};
};

SharedConnections::SharedConnections(ServerPool& pool, const PoolContext& context)
    : pool_(pool), context_(context), spares_(kUsualSpares) {}

SharedConnections::~SharedConnections() {
  for (SharedConnection* connection : connections_) {
    connection->abandon();
  }
}

// --- Places

std::unique_ptr<BackendStream> SharedConnections::new_stream() {
  std::unique_ptr<BackendStream> stream = spares_.take();
  if (!stream) {
    stream = std::make_unique<BackendStream>(*this, pool_, context_.io, context_.streams,
                                             context_.buffers);
    stream->side.in.release();
  }
  return stream;
}

void SharedConnections::recycle(std::unique_ptr<BackendStream> stream) {
  stream->side.in.release();
  if (!stream->side.interrupted()) {
    spares_.give(std::move(stream));
  }
}

SharedConnection* SharedConnections::with_room() {
  const auto found = std::find_if(
      connections_.begin(), connections_.end(),
      [](const SharedConnection* connection) { return connection->room() != 0; });
  return found == connections_.end() ? nullptr : *found;
}

Lease SharedConnections::take() {
  SharedConnection* const connection = line_.empty() ? with_room() : nullptr;
  if (connection == nullptr) {
    return {};
  }
  std::unique_ptr<BackendStream> stream = new_stream();
  connection->seat(*stream);
  context_.metrics.add(Counter::BackendReused);
  return Lease{pool_, &stream.release()->side};
}

Task<ServerPool::Connected> SharedConnections::connect(Millis timeout, BackendConnection*& in_use) {
  ServerPool::Connected result;
  if (Lease there = take()) {
    result.lease = std::move(there);
    co_return std::move(result);
  }
  std::unique_ptr<BackendStream> stream = new_stream();
  Standing standing{*stream, result, timeout, context_.streams.now() + 2 * timeout};
  line_.push_back(&standing);
  in_use = &stream->side;
  make_enough();
  if (!standing.over) {
    co_await standing.turn;
  }
  in_use = nullptr;
  if (standing.seat != nullptr) {
    standing.seat->seat(*stream);
    result.lease = Lease{pool_, &stream.release()->side};
  } else {
    recycle(std::move(stream));
  }
  co_return std::move(result);
}

bool SharedConnections::keeps_idle() const {
  return pool_.http2_ && pool_.max_idle_ != 0;
}

std::size_t SharedConnections::idle() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const SharedConnection* connection) { return connection->idle(); }));
}

// --- The line

void SharedConnections::look_soon() {
  if (std::exchange(posted_, true)) {
    return;
  }
  asio::post(context_.io, in_slot(post_slot_, [this, keep = pool_.shared_from_this()] {
               posted_ = false;
               look();
             }));
}

// Resumes; what it resumes may join the line again.
void SharedConnections::end_turn(std::size_t place, SharedConnection* seat,
                                 const Failure* failure) {
  Standing& standing = *line_[place];
  line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(place));
  standing.seat = seat;
  standing.over = true;
  if (failure != nullptr) {
    standing.result.error = failure->error;
    standing.result.tls_failure = failure->tls_failure;
    standing.result.http2_failure = failure->http2_failure;
    standing.result.itself = failure->itself;
  }
  standing.turn.wake();
}

void SharedConnections::look() {
  const std::shared_ptr<ServerPool> keep = pool_.shared_from_this();
  const SteadyTime now = context_.streams.now();
  Failure left, late;
  left.error = asio::error::operation_aborted;
  late.error = asio::error::timed_out;
  std::size_t place = 0;
  for (std::size_t most = line_.size(); most > 0 && place < line_.size(); --most) {
    const Standing& standing = *line_[place];
    if (standing.stream.side.interrupted()) {
      end_turn(place, nullptr, &left);
    } else if (standing.until <= now) {
      end_turn(place, nullptr, &late);
    } else if (SharedConnection* const connection = with_room()) {
      end_turn(place, connection, nullptr);
    } else {
      ++place;
    }
  }
  make_enough();
}

void SharedConnections::fail_line(const Failure& failure) {
  for (std::size_t most = line_.size(); most > 0 && !line_.empty(); --most) {
    end_turn(0, nullptr, &failure);
  }
}

// --- Connections

void SharedConnections::make_enough() {
  while (coming_ * usual_room_ < line_.size()) {
    ++coming_;
    start(make(line_.front()->timeout));
  }
}

// Nobody's but the line's: who waits for it may leave.
Task<void> SharedConnections::make(Millis timeout) {
  const std::shared_ptr<ServerPool> keep = pool_.shared_from_this();
  Failure failure;
  try {
    BackendConnection* in_use = nullptr;
    failure = co_await pool_.connect_alone(timeout, in_use);
    if (failure.lease) {
      const SteadyTime ready_by = failure.lease->stream.in(timeout);
      auto connection = std::make_unique<SharedConnection>(*this, context_,
                                                           std::move(failure.lease), ready_by);
      connections_.push_back(connection.get());
      start(SharedConnection::serve(std::move(connection)));
      co_return;
    }
  } catch (const std::bad_alloc&) {
    failure.error = asio::error::no_memory;
  }
  if (--coming_ == 0) {
    fail_line(failure);
  }
}

void SharedConnections::note_ready(SharedConnection& connection) {
  --coming_;
  usual_room_ = std::max<std::size_t>(1, connection.room());
  if (connection.room() == 0) {
    connection.retire();
    Failure failure;
    failure.error = asio::error::connection_refused;
    failure.http2_failure = "the server allows no streams";
    fail_line(failure);
  }
}

void SharedConnections::forget(SharedConnection& connection, bool was_ready) {
  const std::shared_ptr<ServerPool> keep = pool_.shared_from_this();
  std::erase(connections_, &connection);
  if (was_ready) {
    if (connection.failed()) {
      warn_within(lines_, context_.streams.now(), "an HTTP/2 connection to {} was ended: {}",
                  pool_.url(), connection.reason());
    }
    make_enough();
    return;
  }
  context_.metrics.add(Counter::BackendConnectFailures);
  if (--coming_ == 0) {
    Failure failure;
    failure.error = asio::error::connection_aborted;
    failure.http2_failure = connection.reason();
    fail_line(failure);
  }
}

void SharedConnections::retire_outdated() {
  for (SharedConnection* connection : connections_) {
    if (!connection->retired() && !pool_.current(connection->wire())) {
      connection->retire();
    }
  }
}

void SharedConnections::retire_all() {
  for (SharedConnection* connection : connections_) {
    connection->retire();
  }
}

void SharedConnections::sweep(SteadyTime now) {
  retire_outdated();
  std::size_t idle = 0;
  for (SharedConnection* connection : connections_) {
    idle += connection->idle() ? 1U : 0U;
    connection->sweep(now, idle > pool_.max_idle_ ? Millis{0} : pool_.idle_timeout_);
  }
  const bool over = std::any_of(line_.begin(), line_.end(), [now](const Standing* standing) {
    return standing->until <= now || standing->stream.side.interrupted();
  });
  if (over) {
    look_soon();
  }
  spares_.trim();
}

}  // namespace keepsake
