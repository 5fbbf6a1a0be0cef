// load: the HTTP/1.1 client of the benchmarks. One thread, epoll; it sends requests that were
// composed beforehand (a file of complete requests, taken in turn, so that every request can carry
// another visitor's cookie) and needs a 2xx or 3xx with Content-Length for each. wrk measures the
// same closed loop, but has no pacing, no exact count and no way to hold idle connections.
//
//   load --to PORT --requests FILE [--connections N] [--seconds S | --count N] [--rate R]
//        [--close] [--tls] [--hold]
//
// It connects everything, completes one request on each connection, prints READY and waits for a
// line on standard input (so that the caller can read the peer's CPU time), then runs and prints one
// JSON object. With --rate requests fall due at fixed times and latency counts from then, whether or
// not a connection was free (no coordinated omission). With --hold it only keeps the connections
// idle until standard input ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HeadSize = 4096, Buckets = 64 * 64 };
enum State { Idle, Connecting, Writing, ReadingHead, ReadingBody };

typedef struct {
  int fd;
  enum State state;
  SSL* tls;
  const char* request;
  size_t request_size, written;
  char* head;
  size_t head_size;
  uint64_t body_left;
  int until_close, close_after;
  int64_t started;
} Connection;

typedef struct {
  const char* text;
  size_t size;
} Request;

static struct {
  int port, connections, close, tls, hold;
  double seconds, rate;
  int64_t count;
  const char* file;
} option = {.connections = 64, .seconds = 3};

static Request* requests;
static size_t request_count, next_request;
static Connection* connections;
static Connection** idle;
static size_t idle_count;
static int epoll_fd;
static SSL_CTX* tls_context;
static int64_t issued, completed, errors, bytes, reconnects;
static int64_t latency[Buckets], latency_max;
static int issuing, warming;
static char first_error[256];

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char* what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

// 64 buckets per power of two: under 2 % wide at any size.
static void record(int64_t ns) {
  if (warming) {
    return;
  }
  uint64_t v = ns < 1 ? 1 : (uint64_t)ns;
  unsigned top = 63U - (unsigned)__builtin_clzll(v);
  unsigned low = top > 6 ? (unsigned)((v >> (top - 6)) & 63) : (unsigned)((v << (6 - top)) & 63);
  latency[top * 64 + low]++;
  if (ns > latency_max) {
    latency_max = ns;
  }
}

static double percentile_us(double share) {
  int64_t total = 0;
  for (int i = 0; i < Buckets; ++i) {
    total += latency[i];
  }
  int64_t want = (int64_t)((double)total * share + 0.999999);
  int64_t seen = 0;
  for (int i = 0; i < Buckets; ++i) {
    seen += latency[i];
    if (seen >= want && latency[i] > 0) {
      double base = (double)(1ULL << (i / 64));
      return base * (1.0 + (i % 64 + 0.5) / 64.0) / 1000.0;
    }
  }
  return 0;
}

static void load_requests(void) {
  int fd = open(option.file, O_RDONLY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) {
    die(option.file);
  }
  char* text = malloc((size_t)info.st_size + 1);
  if (!text || read(fd, text, (size_t)info.st_size) != info.st_size) {
    die(option.file);
  }
  text[info.st_size] = 0;
  close(fd);
  size_t room = 0;
  for (char* at = text; *at;) {
    char* end = strstr(at, "\r\n\r\n");
    if (!end) {
      break;
    }
    end += 4;
    if (request_count == room) {
      room = room ? room * 2 : 1024;
      requests = realloc(requests, room * sizeof *requests);
      if (!requests) {
        die("memory");
      }
    }
    requests[request_count++] = (Request){at, (size_t)(end - at)};
    at = end;
  }
  if (request_count == 0) {
    fprintf(stderr, "load: %s has no request\n", option.file);
    exit(2);
  }
}

static void progress(Connection* c);

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

static void close_connection(Connection* c) {
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

static void start(Connection* c, int64_t when) {
  Request* r = &requests[next_request];
  next_request = next_request + 1 == request_count ? 0 : next_request + 1;
  ++issued;
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

static int may_issue(void) {
  return issuing && (option.count == 0 || issued < option.count);
}

static void finish(Connection* c, int ok) {
  if (ok) {
    ++completed;
    record(now_ns() - c->started);
  } else {
    ++errors;
  }
  c->state = Idle;
  if (c->close_after || !ok) {
    close_connection(c);
    ++reconnects;
  }
  idle[idle_count++] = c;
}

static void fail(Connection* c, const char* why) {
  if (!first_error[0]) {
    snprintf(first_error, sizeof first_error, "%s", why);
  }
  finish(c, 0);
}

// -1: refused; 0: incomplete; 1: complete, and `used` bytes of it are head.
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
    } else if (strncasecmp(line, "Connection:", 11) == 0 && strncasecmp(line + 12, "close", 5) == 0) {
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

static void progress(Connection* c) {
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
    bytes += got;
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
    bytes += got;
    c->body_left -= c->until_close ? 0 : (uint64_t)got;
  }
}

// Waits for events until `until` (0: block) and serves them; takes idle connections back to work.
static void serve(int64_t until) {
  struct epoll_event events[1024];
  struct timespec wait = {.tv_sec = 1};
  if (until) {
    int64_t left = until - now_ns();
    left = left < 0 ? 0 : left;
    wait = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
  }
  int count = epoll_pwait2(epoll_fd, events, 1024, &wait, NULL);
  for (int i = 0; i < count; ++i) {
    Connection* c = events[i].data.ptr;
    if (c->fd < 0) {
      continue;
    }
    if (c->state == Idle) {
      if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        close_connection(c);  // closed while idle: allowed, the next request opens another
        ++reconnects;
      }
      continue;
    }
    progress(c);
  }
}

static void run(void) {
  int64_t begin = now_ns();
  int64_t end = option.count ? INT64_MAX : begin + (int64_t)(option.seconds * 1e9);
  double gap = option.rate > 0 ? 1e9 / option.rate : 0;
  int64_t due_count = 0;
  issuing = 1;
  for (;;) {
    int64_t now = now_ns();
    if (now >= end) {
      issuing = 0;
    }
    int64_t wake = end == INT64_MAX ? 0 : end;
    if (gap > 0) {
      while (may_issue() && idle_count > 0) {
        int64_t due = begin + (int64_t)((double)due_count * gap);
        if (due > now) {
          wake = due < end ? due : end;
          break;
        }
        ++due_count;
        start(idle[--idle_count], due);
      }
    } else {
      // One pass, not until dry: requests that fail at once would spin here for ever.
      for (size_t turns = idle_count; turns > 0 && idle_count > 0 && may_issue(); --turns) {
        start(idle[--idle_count], now);
      }
    }
    if (idle_count == (size_t)option.connections && !may_issue()) {
      break;
    }
    if (!issuing && now > end + 30000000000) {
      fprintf(stderr, "load: %zu answers never came\n", (size_t)option.connections - idle_count);
      break;
    }
    serve(issuing ? wake : 0);
  }
  double took = (double)(now_ns() - begin) / 1e9;
  printf("{\"requests\":%lld,\"errors\":%lld,\"first_error\":\"", (long long)completed,
         (long long)errors);
  for (char* at = first_error; *at; ++at) {
    if (*at >= ' ' && *at != '"' && *at != '\\') {
      putchar(*at);
    }
  }
  printf("\",\"bytes\":%lld,\"reconnects\":%lld,\"seconds\":%.6f,\"p50\":%.2f,\"p90\":%.2f,"
         "\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}\n",
         (long long)bytes, (long long)reconnects, took, percentile_us(0.5), percentile_us(0.9),
         percentile_us(0.99), percentile_us(0.999), (double)latency_max / 1000.0);
}

// One request on each connection, at most 256 being opened at a time (accept queues are finite).
static void warm_up(void) {
  warming = issuing = 1;
  size_t total = (size_t)option.connections;
  size_t begun = 0;
  int64_t give_up = now_ns() + 60000000000;
  while (begun < total || idle_count < begun) {
    while (begun < total && begun - idle_count < 256) {
      start(&connections[begun++], now_ns());
    }
    serve(now_ns() + 100000000);
    if (errors > 0 || now_ns() > give_up) {
      fprintf(stderr, "load: warm-up failed: %s\n", first_error[0] ? first_error : "no answer");
      exit(1);
    }
  }
  issued = completed = bytes = reconnects = 0;
  warming = issuing = 0;
}

static void read_options(int argc, char** argv) {
  static const struct option names[] = {
      {"to", 1, NULL, 'p'},      {"requests", 1, NULL, 'f'}, {"connections", 1, NULL, 'c'},
      {"seconds", 1, NULL, 's'}, {"count", 1, NULL, 'n'},    {"rate", 1, NULL, 'r'},
      {"close", 0, NULL, 'x'},   {"tls", 0, NULL, 't'},      {"hold", 0, NULL, 'h'},
      {NULL, 0, NULL, 0}};
  for (int given; (given = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (given) {
      case 'p': option.port = atoi(optarg); break;
      case 'f': option.file = optarg; break;
      case 'c': option.connections = atoi(optarg); break;
      case 's': option.seconds = atof(optarg); break;
      case 'n': option.count = atoll(optarg); break;
      case 'r': option.rate = atof(optarg); break;
      case 'x': option.close = 1; break;
      case 't': option.tls = 1; break;
      case 'h': option.hold = 1; break;
      default: exit(2);
    }
  }
  if (!option.port || !option.file || option.connections < 1) {
    fprintf(stderr, "usage: load --to PORT --requests FILE [...]; see the head of load.c\n");
    exit(2);
  }
}

int main(int argc, char** argv) {
  read_options(argc, argv);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  load_requests();
  if (option.tls) {
    tls_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_NONE, NULL);  // a throw-away certificate on loopback
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(tls_context, SSL_SESS_CACHE_OFF);  // every handshake a full one
  }
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  size_t total = (size_t)option.connections;
  connections = calloc(total, sizeof *connections);
  idle = calloc(total, sizeof *idle);
  char* heads = malloc(total * HeadSize);
  if (!connections || !idle || !heads) {
    die("memory");
  }
  for (size_t i = 0; i < total; ++i) {
    connections[i].fd = -1;
    connections[i].head = heads + i * HeadSize;
  }
  warm_up();
  puts("READY");
  fflush(stdout);
  char line[16];
  if (!fgets(line, sizeof line, stdin)) {
    return 0;
  }
  if (option.hold) {
    while (fgets(line, sizeof line, stdin)) {
    }
    int64_t open_now = 0;
    serve(now_ns());
    for (size_t i = 0; i < total; ++i) {
      open_now += connections[i].fd >= 0;
    }
    printf("{\"open\":%lld}\n", (long long)open_now);
    return 0;
  }
  run();
  return errors > 0 && completed == 0;
}
