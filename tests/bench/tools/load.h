// What the parts of the load generator share: load.c (order of events), load_link.c (one
// connection's steps) and load_latency.c (the histogram). One thread, so plain globals.
#pragma once

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

enum { HeadSize = 4096 };
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

typedef struct {
  int port, connections, close, tls, hold;
  double seconds, rate;
  int64_t count;
  const char* file;
} Options;

typedef struct {
  int64_t issued, completed, errors, bytes, reconnects;
  char first_error[256];
} Tally;

extern Options option;
extern Tally tally;
extern int epoll_fd;
extern SSL_CTX* tls_context;
extern int warming;        // answers of the warm-up are not timed
extern Connection** idle;  // a stack of the connections that wait for work
extern size_t idle_count;

int64_t now_ns(void);
void die(const char* what);
Request* take_request(void);

void start(Connection* c, int64_t when);  // sends the next request; its latency counts from `when`
void progress(Connection* c);             // serves whatever an event made possible
void close_connection(Connection* c);

void record(int64_t ns);
double percentile_us(double share);
double longest_us(void);
