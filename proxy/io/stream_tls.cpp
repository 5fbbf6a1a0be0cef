// The half of Stream that knows TLS: what is read is decrypted where it lands, what is written is
// encrypted by the library, which writes the socket itself.

#include <sys/socket.h>

#include <cerrno>

#include "io/stream.hpp"
#include "io/tls.hpp"

namespace keepsake {

namespace {

// Between exchanges a server sends a few session tickets at most.
constexpr int kMostIdleReads = 4;

IoStatus status_of(TlsStep step) {
  switch (step) {
    case TlsStep::Done:
      return IoStatus::Ok;
    case TlsStep::End:
      return IoStatus::End;
    default:
      return IoStatus::Failed;
  }
}

}  // namespace

Task<IoStatus> Stream::handshake(std::unique_ptr<Tls>& tls, SteadyTime deadline, std::string& why) {
  while (true) {
    const TlsStep step = tls->handshake();
    if (step == TlsStep::Done) {
      tls_ = std::move(tls);
      co_return IoStatus::Ok;
    }
    if (step == TlsStep::WantRead) {
      const Tls::Landing landing = tls->landing(nullptr, 0);
      const IoResult read = co_await read_some(landing.data, landing.size, deadline);
      if (read.status != IoStatus::Ok) {
        why = read.status == IoStatus::TimedOut ? "timed out" : "the peer closed the connection";
        co_return read.status;
      }
      tls->feed(read.bytes);
    } else if (step == TlsStep::WantWrite) {
      WritableAwaiter writable{*this, deadline};
      const IoStatus status = co_await writable;
      if (status != IoStatus::Ok) {
        why = status == IoStatus::TimedOut ? "timed out" : "the peer closed the connection";
        co_return status;
      }
    } else {
      why = tls->why();
      co_return IoStatus::Failed;
    }
  }
}

asio::mutable_buffer Stream::tls_landing(char* data, std::size_t size) {
  const Tls::Landing landing = tls_->landing(data, size);
  return {landing.data, landing.size};
}

bool Stream::tls_landed(std::size_t bytes, char* data, std::size_t size, IoResult& result) {
  tls_->feed(bytes);
  return tls_take(data, size, result);
}

bool Stream::tls_take(char* data, std::size_t size, IoResult& result) {
  if (!tls_->ready()) {
    return false;
  }
  std::size_t bytes = 0;
  const TlsStep step = tls_->read(data, size, bytes);
  if (step == TlsStep::WantRead) {
    return false;
  }
  result = {status_of(step), bytes};
  return true;
}

bool Stream::tls_has_buffered() const {
  return tls_->ready();
}

bool Stream::tls_rest() {
  if (tls_->ready()) {
    return false;
  }
  tls_->release_buffers();
  return true;
}

IoStatus Stream::tls_end_status() const {
  return tls_->is_client() ? IoStatus::Failed : IoStatus::End;
}

bool Stream::tls_has_news() {
  char bytes[4096];
  for (int i = 0; i < kMostIdleReads; ++i) {
    const ssize_t n = ::recv(fd(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0) {
      return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    }
    if (n == 0 || tls_->is_news({bytes, static_cast<std::size_t>(n)})) {
      return true;
    }
  }
  return true;
}

bool Stream::WriteAwaiter::advance_tls() {
  while (!first_.empty()) {
    std::size_t bytes = 0;
    const TlsStep step = stream_.tls_->write(first_, second_, third_, bytes);
    if (step == TlsStep::WantWrite) {
      return false;
    }
    if (step != TlsStep::Done) {
      status_ = IoStatus::Failed;
      return true;
    }
    take(bytes);
  }
  return true;
}

}  // namespace keepsake
