// What HTTP/2 costs a request in CPU time, without sockets and without an exchange: a browser's
// fields, compressed as a browser does, become a head; a small response becomes frames. Ten
// requests in a read.
//
//   bench_http2 [REQUESTS]     for instructions: the difference of two runs under
//                              valgrind --tool=callgrind, with 10000 and 20000

#include <nghttp2/nghttp2.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "http2/reusing_owner.hpp"

namespace {

using namespace keepsake;
using namespace keepsake::test;

constexpr std::size_t kPerRead = 10;

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The reads of a client, its table warm after the first request.
class Client {
 public:
  Client() { nghttp2_hd_deflate_new(&deflater_, 4096); }
  ~Client() { nghttp2_hd_deflate_del(deflater_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& next_read() {
    read_.clear();
    for (std::size_t i = 0; i < kPerRead; ++i, id_ += 2) {
      read_ += http2::frame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, id_, block());
    }
    // The client opens the connection's window now and then.
    if (id_ / 2 % 1'000 == 0) {
      read_ += http2::window_update(0, 1'000'000);
    }
    return read_;
  }

 private:
  std::string block() {
    std::vector<nghttp2_nv> fields;
    for (auto& [name, value] : fields_) {
      fields.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                        reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE});
    }
    std::string out(4096, '\0');
    const ssize_t size =
        nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(out.data()), out.size(),
                              fields.data(), fields.size());
    out.resize(static_cast<std::size_t>(size));
    return out;
  }

  http2::Fields fields_ = browser_request();
  nghttp2_hd_deflater* deflater_ = nullptr;
  std::string read_;
  std::uint32_t id_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t requests = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200'000;
  Http2Memory memory;
  ReusingOwner owner;
  CountingRandom random;
  Http2Counts counts;
  const SteadyTime now{};
  Http2Session session{{memory, counts, random}, owner, {}, now};
  owner.serve(session, http2::opening() + http2::window_update(0, 1'000'000), now);
  Client client;
  owner.serve(session, client.next_read(), now);
  const std::size_t calls = memory.system_calls();
  double nanoseconds = 0;
  std::size_t served = 0;
  std::size_t bytes = 0;
  while (served < requests) {
    const std::string& read = client.next_read();
    bytes += read.size();
    const double before = cpu_nanoseconds();
    const std::size_t answered = owner.serve(session, read, now);
    nanoseconds += cpu_nanoseconds() - before;
    if (answered != kPerRead) {
      std::fputs("the session does not do what is being measured\n", stderr);
      return 1;
    }
    served += answered;
  }
  const auto each = static_cast<double>(served);
  std::printf("%.0f ns a request, %.1f bytes in, %.1f bytes out, %zu allocations in %zu requests\n",
              nanoseconds / each, static_cast<double>(bytes) / each,
              static_cast<double>(owner.written()) / each, memory.system_calls() - calls, served);
  return 0;
}
