#pragma once
// Sessions in Redis, shared by every Keepsake that has the same secrets: one hash per session under
// session.redis.prefix and the SHA-256 of its id, a field per value (redis_scripts.hpp), values
// sealed (store_sealer.hpp), names of values in the clear. A call is one round trip, more only
// where a session begins in place of another; each command is about one session. One object per
// worker and configuration; the connection is the worker's and outlives reloads.

#include <memory>
#include <span>
#include <string>

#include "store/redis_servers.hpp"
#include "store/session_store.hpp"
#include "store/store_sealer.hpp"

namespace keepsake {

// Where a listing goes on: at this cursor of SCAN, at this one of the servers of a cluster.
struct RedisPlace {
  std::size_t share = 0;
  std::string cursor = "0";
};

class RedisStore final : public SessionStore {
 public:
  // `index`: the session key whose values are indexed, if any.
  RedisStore(std::shared_ptr<RedisServers> servers, std::shared_ptr<const KeyRing> keys,
             std::optional<std::string> index, Random& random);

  Task<StoreResult> load(const SessionId& id, const StoreTimes& times, Session& out) override;
  Task<StoreWritten> change(const StoreWrite& write, const StoreTimes& times) override;
  Task<StoreResult> erase(const SessionId& id) override;
  Task<StoreResult> use(StoreKey& key, const std::optional<StoreUse>& use,
                        const StoreTimes& times) override;
  // `after` is a cursor of SCAN, in a cluster with the number of the server.
  Task<StoreListing> list(const std::string& after, std::size_t limit,
                          const StoreTimes& times) override;
  // `after` is a cursor of ZSCAN.
  Task<StoreListing> list_of(const std::string& value, const std::string& after, std::size_t limit,
                             const StoreTimes& times) override;
  Task<StoreResult> end(const StoreKey& key) override;

 private:
  struct Script {
    std::string_view text;
    RedisCall kind;
    std::string sha1{};  // hex: what EVALSHA calls it
  };
  static Script script(std::string_view text, RedisCall kind);

  // What a session's hash says besides its values.
  struct Marks {
    bool found = false;   // there is something to be read
    bool former = false;  // a former id
    std::string was;      // names of former ids, 64 digits each, newest first
    std::string index;    // digits of the index that lists it
  };

  std::string name_of(const StoreKey& key) const;
  // All commands of a call have its one deadline.
  StoreTimes bound(const StoreTimes& times) const;
  Task<RedisReply> run(const Script& script, const StoreKey& key, const StoreTimes& times,
                       std::span<const std::string> arguments);
  Task<RedisReply> run_at(const Script& script, std::string name, const StoreTimes& times,
                          std::span<const std::string> arguments);
  Marks read_values(const redisReply& fields, const StoreKey& key, Session& out);
  void reseal_later(const StoreKey& key, std::span<const std::string> words);

  Task<bool> list_page(RedisPlace& place, std::size_t most, const StoreTimes& times,
                       StoreListing& listing);

  // The parts of change().
  Task<StoreWritten> change_in_place(const StoreWrite& write, const StoreTimes& times);
  Task<StoreWritten> change_or_renew(const StoreWrite& write, const StoreTimes& times);
  Task<StoreWritten> begin(const StoreWrite& write, const Session& session, std::string_view was,
                           const StoreTimes& times);
  Task<StoreWritten> begin_anew(const StoreWrite& write, const StoreTimes& times);
  Task<StoreWritten> renew(const StoreWrite& write, const redisReply& fields, const Marks& marks,
                           const Session& before, const Session& after, const StoreTimes& times);
  Task<bool> carry_over(const StoreWrite& write, const redisReply& before, const redisReply& latest,
                        const StoreTimes& times);
  Task<StoreResult> end_within(const StoreKey& key, const StoreTimes& times);
  Task<StoreResult> end_all(std::string_view names, SteadyTime deadline);
  // What a script said of a session that it has ended: names of former ids, digits of an index.
  Task<StoreResult> end_rest(const StoreKey& key, const redisReply& marks, SteadyTime deadline);

  // redis_index.cpp. Digits: the 64 of an HMAC, which name an index; none: no index.
  std::string digits_of(std::string_view value, std::size_t secret) const;
  std::string digits_of(const Session& session) const;
  std::string index_name(std::string_view digits) const;
  // Before the session itself: one that an index does not list could not be ended with the others.
  Task<bool> enter(std::string digits, StoreKey key, std::int64_t left, StoreTimes times);
  Task<void> leave(std::string digits, StoreKey key, SteadyTime deadline);
  // On their own, after a look at the session: the index learns how long it may live, or, after
  // another secret or session.index came, the session comes into its index.
  void enter_later(const std::string& digits, const StoreKey& key, std::int64_t left,
                   const StoreTimes& times);
  void keep_indexed(const Marks& marks, const StoreKey& key, const Session& session, bool touched,
                    const StoreTimes& times);

  static constexpr std::size_t kNameDigits = 2 * std::tuple_size_v<StoreKey>;
  // The names of a session's former ids once `key` is one of them.
  static std::string former_with(const StoreKey& key, std::string_view was);

  std::shared_ptr<RedisServers> servers_;
  std::shared_ptr<const KeyRing> keys_;
  StoreSealer sealer_;
  const std::optional<std::string> index_;
  const Script load_, use_, change_, begin_, retire_, end_, enter_;
};

}  // namespace keepsake
