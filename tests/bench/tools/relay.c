// relay: the floor of the comparison. Accepts on one port, opens one backend connection for each
// client and copies bytes both ways without looking at them: what the kernel alone charges for a
// proxy with one thread and edge-triggered epoll. Used by run.sh only; never a product.
//
//   relay LISTEN_PORT BACKEND_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// One direction's end: bytes read from `fd` go to `peer`.
typedef struct End {
  int fd;
  unsigned char readable;
  unsigned char closed;
  struct End* peer;
  char* pending;  // what `fd` did not take yet; only while it blocks
  size_t pending_size;
} End;

typedef struct Pair {
  End client;
  End backend;
  struct Pair* next_dead;
} Pair;

static char buffer[65536];
static int epoll_fd;
static struct sockaddr_in backend_address;
static Pair*
    dead;  // freed after the batch: the same batch may still hold an event for the other end

static void die(const char* what) {
  perror(what);
  exit(1);
}

static Pair* pair_of(End* end) {
  char* client = end->peer > end ? (char*)end : (char*)end->peer;
  return (Pair*)(void*)client;
}

static void close_pair(End* end) {
  if (end->closed) {
    return;
  }
  Pair* pair = pair_of(end);
  pair->client.closed = pair->backend.closed = 1;
  close(pair->client.fd);
  close(pair->backend.fd);
  free(pair->client.pending);
  free(pair->backend.pending);
  pair->next_dead = dead;
  dead = pair;
}

static int flush_pending(End* end) {
  while (end->pending_size > 0) {
    ssize_t sent = send(end->fd, end->pending, end->pending_size, MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
    }
    end->pending_size -= (size_t)sent;
    memmove(end->pending, end->pending + sent, end->pending_size);
  }
  return 0;
}

// Copies from `end` to its peer until the kernel has no more or the peer is full. A read shorter
// than asked means drained; EPOLLRDHUP sets `readable` again, so data and FIN together are not
// lost.
static void pump(End* end) {
  End* to = end->peer;
  while (end->readable && to->pending_size == 0) {
    ssize_t got = recv(end->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) {
        end->readable = 0;
        return;
      }
      close_pair(end);
      return;
    }
    if (got < (ssize_t)sizeof buffer && end->readable == 1) {
      end->readable = 0;
    }
    ssize_t sent = send(to->fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != ENOTCONN) {
        close_pair(end);
        return;
      }
      sent = 0;
    }
    if (sent < got) {
      if (!to->pending) {
        to->pending = malloc(sizeof buffer);
        if (!to->pending) {
          die("malloc");
        }
      }
      to->pending_size = (size_t)(got - sent);
      memcpy(to->pending, buffer + sent, to->pending_size);
    }
  }
}

static int watch(End* end) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = end};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, end->fd, &event);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    int backend = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    Pair* pair = calloc(1, sizeof *pair);
    if (backend < 0 || !pair) {
      die("backend socket");
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(backend, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pair->client.fd = fd;
    pair->client.peer = &pair->backend;
    pair->backend.fd = backend;
    pair->backend.peer = &pair->client;
    if (connect(backend, (struct sockaddr*)&backend_address, sizeof backend_address) < 0 &&
        errno != EINPROGRESS) {
      die("connect");
    }
    if (watch(&pair->client) < 0 || watch(&pair->backend) < 0) {
      die("epoll_ctl");
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: relay LISTEN_PORT BACKEND_PORT\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  backend_address = address;
  backend_address.sin_port = htons((unsigned short)atoi(argv[2]));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) < 0 ||
      listen(listener, 4096) < 0) {
    die("listen");
  }
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);

  struct epoll_event events[512];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      End* end = events[i].data.ptr;
      if (!end) {
        accept_all(listener);
        continue;
      }
      if (end->closed) {
        continue;
      }
      if (events[i].events & EPOLLIN) {
        end->readable = 1;
      }
      if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        end->readable = 2;  // read to the end whatever a short read says
      }
      if (flush_pending(end) < 0) {
        close_pair(end);
        continue;
      }
      pump(end);
      if (!end->closed && end->pending_size == 0 && end->peer->readable) {
        pump(end->peer);
      }
    }
    while (dead) {
      Pair* gone = dead;
      dead = gone->next_dead;
      free(gone);
    }
  }
}
