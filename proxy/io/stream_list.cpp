// What happens to all streams of a thread together: their deadlines, and their end.

#include "io/stream.hpp"
#include "io/tls.hpp"

namespace keepsake {

void StreamList::sweep(SteadyTime now, Millis tick) {
  now_ = now;
  tick_ = tick;
  for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
    if (stream->write_deadline_ != SteadyTime::max()) {
      stream->look_for_progress();
    }
    if (stream->read_deadline_ <= now || stream->write_deadline_ <= now) {
      stream->expire(now);
    } else if (stream->socket_.missed(stream->receive_op_)) {
      error_code ignored;
      stream->socket_.cancel(ignored);  // it begins again by itself
    }
  }
}

void StreamList::close() {
  closed_ = true;
  for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
    stream->interrupt();
  }
}

}  // namespace keepsake
