// How long answers took: a histogram of 64 buckets per power of two, under 2 % wide at any size.
#include "load.h"

enum { Buckets = 64 * 64 };
static int64_t latency[Buckets], latency_max;

void record(int64_t ns) {
  uint64_t v = ns < 1 ? 1 : (uint64_t)ns;
  unsigned top = 63U - (unsigned)__builtin_clzll(v);
  unsigned low = top > 6 ? (unsigned)((v >> (top - 6)) & 63) : (unsigned)((v << (6 - top)) & 63);
  latency[top * 64 + low]++;
  if (ns > latency_max) {
    latency_max = ns;
  }
}

double percentile_us(double share) {
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

double longest_us(void) {
  return (double)latency_max / 1000.0;
}
