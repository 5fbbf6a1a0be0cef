// One connection of the load: connect, write a request, read the answer, and again.
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void open_connection(Connection* c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) {
    die("socket");
  }
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)option.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  // Eight source addresses, so that short connections do not run out of ports in TIME_WAIT.
  static unsigned turn;
  struct sockaddr_in source = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (turn++ & 7))};
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(c->fd, (struct sockaddr*)&source, sizeof source) < 0) {
    die("bind");
  }
  if (connect(c->fd, (struct sockaddr*)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    die("connect");
  }
  if (option.tls) {
    c->tls = SSL_new(tls_context);
    SSL_set_fd(c->tls, c->fd);
    SSL_set_connect_state(c->tls);
    SSL_set_tlsext_host_name(c->tls, "bench.example");
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) {
    die("epoll_ctl");
  }
}

void close_connection(Connection* c) {
  if (c->tls) {
    SSL_free(c->tls);
    c->tls = NULL;
  }
  if (c->fd >= 0) {
    close(c->fd);
    c->fd = -1;
  }
}

static ssize_t read_some(Connection* c, void* into, size_t size) {
  if (!c->tls) {
    return recv(c->fd, into, size, 0);
  }
  ERR_clear_error();
  int got = SSL_read(c->tls, into, (int)size);
  if (got > 0) {
    return got;
  }
  int why = SSL_get_error(c->tls, got);
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
  return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t write_some(Connection* c, const void* from, size_t size) {
  if (!c->tls) {
    return send(c->fd, from, size, MSG_NOSIGNAL);
  }
  ERR_clear_error();
  int sent = SSL_write(c->tls, from, (int)size);
  if (sent > 0) {
    return sent;
  }
  int why = SSL_get_error(c->tls, sent);
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
  return -1;
}

void start(Connection* c, int64_t when) {
  Request* r = take_request();
  ++tally.issued;
  c->request = r->text;
  c->request_size = r->size;
  c->written = 0;
  c->head_size = 0;
  c->started = when;
  c->until_close = 0;
  c->close_after = option.close;
  c->state = Writing;
  if (c->fd < 0) {
    open_connection(c);
    c->state = Connecting;
    return;  // continues when it is writable
  }
  progress(c);
}

static void finish(Connection* c, int ok) {
  if (ok) {
    ++tally.completed;
    if (!warming) {
      record(now_ns() - c->started);
    }
  } else {
    ++tally.errors;
  }
  c->state = Idle;
  if (c->close_after || !ok) {
    close_connection(c);
    ++tally.reconnects;
  }
  idle[idle_count++] = c;
}

static void fail(Connection* c, const char* why) {
  if (!tally.first_error[0]) {
    snprintf(tally.first_error, sizeof tally.first_error, "%s", why);
  }
  finish(c, 0);
}

// -1: refused; 0: incomplete; 1: complete, and `used` tally.bytes of it are head.
static int parse_head(Connection* c, size_t* used) {
  c->head[c->head_size] = 0;
  char* end = strstr(c->head, "\r\n\r\n");
  if (!end) {
    return c->head_size == HeadSize - 1 ? -1 : 0;
  }
  if (strncmp(c->head, "HTTP/1.", 7) != 0 || (c->head[9] != '2' && c->head[9] != '3')) {
    return -1;
  }
  int sized = 0;
  for (char* line = strstr(c->head, "\r\n") + 2; line < end + 2; line = strstr(line, "\r\n") + 2) {
    if (strncasecmp(line, "Content-Length:", 15) == 0) {
      c->body_left = strtoull(line + 15, NULL, 10);
      sized = 1;
    } else if (strncasecmp(line, "Connection:", 11) == 0 &&
               strncasecmp(line + 12, "close", 5) == 0) {
      c->close_after = 1;
    }
  }
  if (!sized) {
    if (!c->close_after) {
      return -1;
    }
    c->until_close = 1;
    c->body_left = UINT64_MAX;
  }
  *used = (size_t)(end + 4 - c->head);
  return 1;
}

void progress(Connection* c) {
  static char sink[262144];
  if (c->state == Connecting) {
    c->state = Writing;
  }
  if (c->state == Writing) {
    while (c->written < c->request_size) {
      ssize_t sent = write_some(c, c->request + c->written, c->request_size - c->written);
      if (sent < 0) {
        if (errno != EAGAIN && errno != ENOTCONN) {
          fail(c, "the peer closed while a request was written");
        }
        return;
      }
      c->written += (size_t)sent;
    }
    c->state = ReadingHead;
    if (!c->tls) {
      return;  // edge-triggered: the answer raises an event
    }
  }
  while (c->state == ReadingHead) {
    ssize_t got = read_some(c, c->head + c->head_size, HeadSize - 1 - c->head_size);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) {
        fail(c, "the peer closed before it answered");
      }
      return;
    }
    tally.bytes += got;
    c->head_size += (size_t)got;
    size_t used = 0;
    int parsed = parse_head(c, &used);
    if (parsed < 0) {
      c->head[strcspn(c->head, "\r")] = 0;
      fail(c, c->head);
      return;
    }
    if (parsed > 0) {
      size_t rest = c->head_size - used;
      c->body_left -= rest < c->body_left ? rest : c->body_left;
      c->state = ReadingBody;
    }
  }
  while (c->state == ReadingBody) {
    if (c->body_left == 0) {
      finish(c, 1);
      return;
    }
    size_t want = c->body_left < sizeof sink ? (size_t)c->body_left : sizeof sink;
    ssize_t got = read_some(c, sink, want);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) {
        return;
      }
      if (got == 0 && c->until_close) {
        finish(c, 1);
      } else {
        fail(c, "the peer closed inside a body");
      }
      return;
    }
    tally.bytes += got;
    c->body_left -= c->until_close ? 0 : (uint64_t)got;
  }
}
