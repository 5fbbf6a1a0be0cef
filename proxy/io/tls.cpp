#include "io/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace keepsake {

namespace {

constexpr std::size_t kRecord = 16 * 1024;
// More than the library can hold of an incomplete record: what is decrypted never overtakes what is
// still to be decrypted behind it.
constexpr std::size_t kAhead = 17 * 1024;
constexpr std::size_t kSpare = Tls::kLeastLanding;

// The first error in the queue, which OpenSSL fills per thread; empties it.
std::string take_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) {
    return "the peer closed the connection";
  }
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown error";
  if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
    text += " (the peer may not speak TLS)";
  }
  return text;
}

}  // namespace

void TlsFree::operator()(SSL* ssl) const {
  SSL_free(ssl);
}
void TlsFree::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}
void TlsFree::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

// The library's way to the socket: reads come from what was fed, writes go to the kernel.
struct TlsBio {
  static int read(BIO* bio, char* out, std::size_t size, std::size_t* bytes) {
    std::string_view& input = static_cast<Tls*>(BIO_get_data(bio))->input_;
    BIO_clear_retry_flags(bio);
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    *bytes = std::min(size, input.size());
    std::memcpy(out, input.data(), *bytes);
    input.remove_prefix(*bytes);
    return 1;
  }
  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* bytes) {
    BIO_clear_retry_flags(bio);
    ssize_t n = 0;
    do {
      n = ::send(static_cast<Tls*>(BIO_get_data(bio))->fd_, data, size,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        BIO_set_retry_write(bio);
      }
      return -1;
    }
    *bytes = static_cast<std::size_t>(n);
    return 1;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keepsake");
      BIO_meth_set_read_ex(m, read);
      BIO_meth_set_write_ex(m, write);
      BIO_meth_set_ctrl(m, control);
      BIO_meth_set_create(m, create);
      return m;
    }();
    return made;
  }
};

Tls::Tls(SSL* ssl, int fd, End end, std::shared_ptr<const void> context)
    : ssl_(ssl), context_(std::move(context)), fd_(fd), end_(end) {
  BIO* const bio = BIO_new(TlsBio::method());
  if (bio == nullptr) {
    broken_ = true;
    return;
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl, bio, bio);
}

Tls::~Tls() {
  // Else the library would forbid to resume a session whose link ended without a word.
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsStep Tls::judge(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return TlsStep::WantRead;
    case SSL_ERROR_WANT_WRITE:
      return TlsStep::WantWrite;
    case SSL_ERROR_ZERO_RETURN:
      input_ = {};
      ended_ = true;
      return TlsStep::End;
    default:
      break;
  }
  broken_ = true;  // not a word more on this link (SSL_get_error(3))
  input_ = {};
  if (!established_) {
    const long verified = SSL_get_verify_result(ssl_.get());
    why_ = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : take_error();
  }
  ERR_clear_error();
  return TlsStep::Failed;
}

TlsStep Tls::handshake() {
  if (broken_) {
    return TlsStep::Failed;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    return TlsStep::Done;
  }
  const TlsStep step = judge(result);
  return step == TlsStep::End ? TlsStep::Failed : step;
}

Tls::Landing Tls::landing(char* data, std::size_t size) {
  if (size >= 2 * kAhead) {
    landed_ = data + kAhead;
    return {landed_, size - kAhead};
  }
  if (!spare_) {
    spare_.reset(new char[kSpare]);
  }
  landed_ = spare_.get();
  return {landed_, kSpare};
}

TlsStep Tls::read(char* data, std::size_t size, std::size_t& bytes) {
  bytes = 0;
  if (broken_) {
    return TlsStep::Failed;
  }
  ERR_clear_error();
  while (bytes < size) {
    // Input that lies further on in the same memory is not overwritten before it was taken.
    std::size_t room = size - bytes;
    if (!input_.empty() && input_.data() > data && input_.data() <= data + size) {
      room = std::min(room, static_cast<std::size_t>(input_.data() - (data + bytes)));
    }
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), data + bytes, room, &n);
    if (result == 1) {
      bytes += n;
      if (input_.empty() && SSL_has_pending(ssl_.get()) == 0) {
        return TlsStep::Done;
      }
      continue;
    }
    const TlsStep step = judge(result);
    if (bytes != 0) {
      return TlsStep::Done;  // what ended it is said once more by the next read
    }
    // Whatever the library would answer meanwhile (a key update) goes with the next read or write.
    return step == TlsStep::WantWrite ? TlsStep::WantRead : step;
  }
  return TlsStep::Done;
}

bool Tls::is_news(std::string_view bytes) {
  char byte = 0;
  std::size_t n = 0;
  input_ = bytes;
  const TlsStep step = read(&byte, 1, n);
  input_ = {};
  return step != TlsStep::WantRead;
}

TlsStep Tls::write(std::string_view first, std::string_view second, std::string_view third,
                   std::size_t& bytes) {
  static thread_local std::array<char, kRecord> record;
  if (broken_) {
    return TlsStep::Failed;
  }
  std::string_view piece = first;
  if (!second.empty() && first.size() < kRecord) {
    std::size_t size = 0;
    for (const std::string_view part : {first, second, third}) {
      const std::size_t some = std::min(kRecord - size, part.size());
      if (some != 0) {  // an empty part may have no address
        std::memcpy(record.data() + size, part.data(), some);
        size += some;
      }
    }
    piece = {record.data(), size};
  } else if (!second.empty()) {
    piece = first.substr(0, first.size() / kRecord * kRecord);  // the rest goes with the second
  }
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &bytes);
  return result == 1 ? TlsStep::Done : judge(result);
}

void Tls::say_end() {
  if (established_ && !broken_ && !said_end_) {
    said_end_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

bool Tls::speaks_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 2 && std::memcmp(name, "h2", 2) == 0;
}

void Tls::release_buffers() {
  SSL_free_buffers(ssl_.get());
  if (input_.empty()) {
    spare_.reset();
  }
}

std::string Tls::client_subject() const {
  std::string text;
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) {
    return text;
  }
  BIO* const bio = BIO_new(BIO_s_mem());
  if (bio != nullptr && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                                           XN_FLAG_RFC2253 & ~static_cast<unsigned long>(
                                                                 ASN1_STRFLGS_ESC_MSB)) >= 0) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    text.assign(data, static_cast<std::size_t>(size));
  }
  BIO_free(bio);
  return text;
}

}  // namespace keepsake
