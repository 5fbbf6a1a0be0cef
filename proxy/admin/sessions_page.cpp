#include "admin/sessions_page.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <memory>
#include <optional>

#include "config/units.hpp"
#include "http/chars.hpp"
#include "http/form.hpp"
#include "store/store_key.hpp"

namespace keepsake {
namespace {

constexpr std::string_view kPath = "/sessions";
constexpr std::size_t kUsualLimit = 100;
constexpr std::size_t kMostLimit = 1000;
constexpr std::chrono::seconds kStorePatience{5};

// A result on its way from a worker's thread; the timer wakes whoever waits for it.
template <class Result>
struct Mail {
  explicit Mail(asio::io_context& io) : arrived(io, kStorePatience) {}
  asio::steady_timer arrived;
  std::optional<Result> result;
};

template <class Result>
auto deliver_to(asio::io_context& io, std::shared_ptr<Mail<Result>> mail) {
  return [&io, mail](Result result) {
    asio::post(io, [mail, result = std::move(result)]() mutable {
      mail->result = std::move(result);
      mail->arrived.cancel();
    });
  };
}

// By digests of one length, so that the time tells neither how long the token is nor how much of
// it was right.
bool same_token(std::string_view given, std::string_view expected) {
  std::array<unsigned char, 32> a{};
  std::array<unsigned char, 32> b{};
  unsigned size = 0;
  EVP_Digest(given.data(), given.size(), a.data(), &size, EVP_sha256(), nullptr);
  EVP_Digest(expected.data(), expected.size(), b.data(), &size, EVP_sha256(), nullptr);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Empty if the caller may go on.
std::optional<AdminAnswer> refuse(const Config& config, std::string_view authorization) {
  if (config.session.store == SessionStoreKind::Cookie) {
    return admin_refusal(404, "sessions live in their visitors' cookies (session.store: cookie)");
  }
  if (!config.admin.token) {
    return admin_refusal(403, "admin.token is not set: nobody lists or ends sessions");
  }
  constexpr std::string_view kBearer = "bearer ";
  if (authorization.size() <= kBearer.size() ||
      !equals_lower(authorization.substr(0, kBearer.size()), kBearer)) {
    AdminAnswer answer = admin_refusal(401, "Authorization: Bearer TOKEN is required");
    answer.challenge = "Bearer";
    return answer;
  }
  if (!same_token(trim(authorization.substr(kBearer.size())), config.admin.token->text)) {
    return admin_refusal(403, "that is not admin.token");
  }
  return std::nullopt;
}

// What the query asks for; empty, and an answer in `refused`, if it has no meaning here.
std::optional<SessionsWanted> read_query(const Config& config, std::string_view query,
                                         AdminAnswer& refused) {
  const std::optional<std::string>& index = config.session.index;
  SessionsWanted wanted;
  wanted.limit = kUsualLimit;
  std::vector<FormPair> pairs;
  if (const FormError error = read_pairs(query, pairs); error != FormError::None) {
    refused = admin_refusal(400, std::string{describe(error)});
    return std::nullopt;
  }
  for (const auto& [name, value] : pairs) {
    if (name == "after") {
      wanted.after = value;
    } else if (name == "limit") {
      const char* const end = value.data() + value.size();
      const auto read = std::from_chars(value.data(), end, wanted.limit);
      if (read.ec != std::errc{} || read.ptr != end || wanted.limit == 0 ||
          wanted.limit > kMostLimit) {
        refused = admin_refusal(400, fmt::format("limit is a number from 1 to {}", kMostLimit));
        return std::nullopt;
      }
    } else if (index && name == *index && !wanted.value) {
      wanted.value = value;
    } else {
      refused = admin_refusal(
          400, index ? "the parameters are limit, after and, once, the key of session.index"
                     : "the parameters are limit and after: session.index is not set");
      return std::nullopt;
    }
  }
  return wanted;
}

std::string listing_json(const StoreListing& listing) {
  std::string out = "{\"sessions\":[";
  for (std::size_t i = 0; i < listing.entries.size(); ++i) {
    const StoreEntry& entry = listing.entries[i];
    out += i == 0 ? "\n" : ",\n";
    out += "{\"id\":\"";
    append_store_key(entry.key, out);
    out += fmt::format(R"(","created":"{}","last_used":"{}","values":{}}})",
                       format_date(entry.created), format_date(entry.touched), entry.values);
  }
  // Digits and hex digits only, in every store.
  out += listing.next.empty() ? "],\"next\":null}\n"
                              : fmt::format("],\"next\":\"{}\"}}\n", listing.next);
  return out;
}

AdminAnswer no_answer() {
  return admin_refusal(503, "the store did not answer");
}

asio::awaitable<AdminAnswer> list(asio::io_context& io, const Server& server,
                                  SessionsWanted wanted) {
  auto mail = std::make_shared<Mail<StoreListing>>(io);
  server.list_sessions(std::move(wanted), deliver_to<StoreListing>(io, mail));
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await mail->arrived.async_wait(token);
  if (!mail->result || mail->result->result == StoreResult::Error) {
    co_return no_answer();
  }
  if (mail->result->result == StoreResult::Missing) {
    co_return admin_refusal(400, "after is what an earlier answer said in \"next\"");
  }
  AdminAnswer answer;
  answer.type = "application/json";
  answer.body = listing_json(*mail->result);
  co_return answer;
}

asio::awaitable<AdminAnswer> end_all(asio::io_context& io, const Server& server,
                                     std::string value) {
  auto mail = std::make_shared<Mail<StoreEnded>>(io);
  server.end_sessions(std::move(value), deliver_to<StoreEnded>(io, mail));
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await mail->arrived.async_wait(token);
  if (!mail->result || mail->result->result == StoreResult::Error) {
    co_return no_answer();
  }
  AdminAnswer answer;
  answer.type = "application/json";
  answer.body = fmt::format("{{\"ended\":{}}}\n", mail->result->count);
  co_return answer;
}

asio::awaitable<AdminAnswer> end(asio::io_context& io, const Server& server,
                                 std::string_view name) {
  const std::optional<StoreKey> key = parse_store_key(name);
  if (!key) {
    co_return admin_refusal(404, "a session is called by 64 lower-case hex digits");
  }
  auto mail = std::make_shared<Mail<StoreResult>>(io);
  server.end_session(*key, deliver_to<StoreResult>(io, mail));
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await mail->arrived.async_wait(token);
  if (!mail->result || *mail->result == StoreResult::Error) {
    co_return no_answer();
  }
  if (*mail->result == StoreResult::Missing) {
    co_return admin_refusal(404, "there is no such session (any more)");
  }
  AdminAnswer answer;
  answer.body = "ended\n";
  co_return answer;
}

}  // namespace

bool is_sessions_path(std::string_view path) {
  return path.starts_with(kPath) && (path.size() == kPath.size() || path[kPath.size()] == '/');
}

asio::awaitable<AdminAnswer> sessions_page(asio::io_context& io, const Server& server,
                                           const SessionsQuestion& question) {
  const std::shared_ptr<const Snapshot> snapshot = server.snapshot();
  std::optional<AdminAnswer> refused = refuse(snapshot->config, question.authorization);
  if (refused) {
    co_return std::move(*refused);
  }
  const bool one = question.path.size() > kPath.size();
  const bool get = question.method == "GET" || question.method == "HEAD";
  const bool remove = question.method == "DELETE";
  const bool by_value = snapshot->config.session.index.has_value();
  if (one && remove) {
    co_return co_await end(io, server, question.path.substr(kPath.size() + 1));
  }
  if (one || !(get || (remove && by_value))) {
    AdminAnswer answer = admin_refusal(405, one        ? "a session can be ended: DELETE"
                                            : by_value ? "GET, HEAD or DELETE"
                                                       : "GET or HEAD");
    answer.allow = one ? "DELETE" : by_value ? "GET, HEAD, DELETE" : "GET, HEAD";
    co_return answer;
  }
  AdminAnswer problem;
  std::optional<SessionsWanted> wanted = read_query(snapshot->config, question.query, problem);
  if (!wanted) {
    co_return problem;
  }
  if (get) {
    co_return co_await list(io, server, std::move(*wanted));
  }
  if (!wanted->value) {
    co_return admin_refusal(
        400,
        "whose sessions end? DELETE /sessions/ID, or ?KEY=VALUE with the key of "
        "session.index");
  }
  co_return co_await end_all(io, server, std::move(*wanted->value));
}

}  // namespace keepsake
