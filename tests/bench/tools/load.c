// load: the HTTP/1.1 client of the benchmarks. One thread, epoll; it sends requests that were
// composed beforehand (a file of complete requests, taken in turn, so that every request can carry
// another visitor's cookie) and needs a 2xx or 3xx with Content-Length for each. wrk measures the
// same closed loop, but has no pacing, no exact count and no way to hold idle connections.
//
//   load --to PORT --requests FILE [--connections N] [--seconds S | --count N] [--rate R]
//        [--close] [--tls] [--hold]
//
// It connects everything, completes a request or two on each connection, prints READY and waits for
// a line on standard input (so that the caller can read the peer's CPU time), then runs and prints
// one JSON object. With --rate requests fall due at fixed times and latency counts from then,
// whether or not a connection was free (no coordinated omission). With --hold it only keeps the
// connections idle until standard input ends.
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

Options option = {.connections = 64, .seconds = 3};
Tally tally;
int epoll_fd;
SSL_CTX* tls_context;
int warming;
Connection** idle;
size_t idle_count;

static Connection* connections;
static Request* requests;
static size_t request_count, next_request;
static int issuing;

int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void die(const char* what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
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
Request* take_request(void) {
  Request* r = &requests[next_request];
  next_request = next_request + 1 == request_count ? 0 : next_request + 1;
  return r;
}

static int may_issue(void) {
  return issuing && (option.count == 0 || tally.issued < option.count);
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
        ++tally.reconnects;
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
  printf("{\"requests\":%lld,\"errors\":%lld,\"first_error\":\"", (long long)tally.completed,
         (long long)tally.errors);
  for (char* at = tally.first_error; *at; ++at) {
    if (*at >= ' ' && *at != '"' && *at != '\\') {
      putchar(*at);
    }
  }
  printf(
      "\",\"bytes\":%lld,\"reconnects\":%lld,\"seconds\":%.6f,\"p50\":%.2f,\"p90\":%.2f,"
      "\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}\n",
      (long long)tally.bytes, (long long)tally.reconnects, took, percentile_us(0.5),
      percentile_us(0.9), percentile_us(0.99), percentile_us(0.999), longest_us());
}

// One request on each connection, at most `together` under way at a time.
static void one_turn(size_t together) {
  size_t total = (size_t)option.connections;
  size_t waiting = idle_count = 0;
  int64_t give_up = now_ns() + 60000000000;
  while (waiting < total || idle_count < waiting) {
    while (waiting < total && waiting - idle_count < together) {
      start(&connections[waiting++], now_ns());
    }
    serve(now_ns() + 100000000);
    if (tally.errors > 0 || now_ns() > give_up) {
      fprintf(stderr, "load: warm-up failed: %s\n",
              tally.first_error[0] ? tally.first_error : "no answer");
      exit(1);
    }
  }
}

// First gently, since accept queues are finite; then all at once, so that a peer opens the backend
// connections it will need before it is measured.
static void warm_up(void) {
  warming = issuing = 1;
  one_turn(256);
  if (!option.hold) {
    one_turn((size_t)option.connections);
  }
  tally = (Tally){0};
  warming = issuing = 0;
}

static void read_options(int argc, char** argv) {
  static const struct option names[] = {{"to", 1, NULL, 'p'},          {"requests", 1, NULL, 'f'},
                                        {"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
                                        {"count", 1, NULL, 'n'},       {"rate", 1, NULL, 'r'},
                                        {"close", 0, NULL, 'x'},       {"tls", 0, NULL, 't'},
                                        {"hold", 0, NULL, 'h'},        {NULL, 0, NULL, 0}};
  for (int given; (given = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (given) {
      case 'p':
        option.port = atoi(optarg);
        break;
      case 'f':
        option.file = optarg;
        break;
      case 'c':
        option.connections = atoi(optarg);
        break;
      case 's':
        option.seconds = atof(optarg);
        break;
      case 'n':
        option.count = atoll(optarg);
        break;
      case 'r':
        option.rate = atof(optarg);
        break;
      case 'x':
        option.close = 1;
        break;
      case 't':
        option.tls = 1;
        break;
      case 'h':
        option.hold = 1;
        break;
      default:
        exit(2);
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
    SSL_CTX_set_mode(tls_context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
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
  return tally.errors > 0 && tally.completed == 0;
}
