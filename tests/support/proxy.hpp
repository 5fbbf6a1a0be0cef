#pragma once
// A whole Keepsake for a wire test: YAML text in, a real Server on port 0 of the loopback with one
// worker and a clock whose hands the test turns.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "support/link.hpp"

namespace keepsake::test {

// The tutorial's routes in front of ${BACKEND}. Tests append other sections to it.
extern const std::string_view kTutorial;
// What ${SESSION_KEY} and ${OTHER_KEY} are in a test's configuration.
extern const std::string_view kSecret;
extern const std::string_view kOtherSecret;

class Proxy {
 public:
  using Variables = std::map<std::string, std::string>;

  // kTutorial in front of `backend`, then `more` lines of YAML.
  explicit Proxy(const Backend& backend, std::string_view more = "");
  // Answers for names in URLs: addresses without port. It outlives the proxy by as long as one call
  // takes.
  using NameService = std::function<std::vector<std::string>(const std::string& host)>;
  // A whole configuration; ${NAME} in it stands for variables[NAME] and the two secrets, the file
  // PATH has the text of variables["file:PATH"]. Throws with every problem if it does not load.
  Proxy(std::string_view yaml, Variables variables, NameService names = {});
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const;
  // Over HTTP/2 where KEEPSAKE_TEST_HTTP is 2: the text that the test sends becomes frames.
  Link connect(int receive_buffer = 0) const;
  // One request on a connection of its own, which the proxy must answer without the backend.
  Message ask(std::string_view request) const;

  // The worker uses it when this returns.
  void reload(std::string_view yaml);
  // The worker drains when this returns.
  void drain();
  void cut();
  // Whether all workers ended within the guard.
  bool ended();

  // Turns the clock and waits until the worker has looked at it and at all its deadlines.
  void advance(std::chrono::milliseconds by);
  // The same; `meanwhile` happens when the worker has begun to look and does not know the time yet.
  void advance(std::chrono::milliseconds by, const std::function<void()>& meanwhile);
  // Turns the clock in steps until `happened`; returns how far. Throws after the guard's real time.
  std::chrono::milliseconds advance_until(std::chrono::milliseconds step,
                                          const std::function<bool()>& happened);
  // Waits (in real time, guarded) for what needs no clock.
  void wait_until(std::string_view what, const std::function<bool()>& happened) const;

  // What has been counted, and logged, once the worker is done with what it was at: a client sees
  // an answer, or an end, before the proxy has counted it.
  std::uint64_t count(Counter counter) const;
  std::size_t connections() const;
  // Of the backends' servers, as the worker sees them.
  std::size_t ill_servers() const;
  std::size_t ejected_servers() const;
  // Whether every server has an address.
  bool resolved() const;
  // Requests that wait for max_requests.
  std::size_t queued() const;
  // The lines so far. The access log is complete for an exchange a moment after its response.
  std::string access_log() const;
  std::string log() const;

 private:
  // Waits until the worker is done with what it was at when it was called.
  void settle() const;

  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace keepsake::test
