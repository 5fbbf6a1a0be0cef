#pragma once
// Sessions in Redis, shared by every Keepsake that has the same secrets: one hash per session under
// `keepsake:` and the SHA-256 of its id, a field per value (redis_scripts.hpp), values sealed
// (store_sealer.hpp), names of values in the clear. Each call is one round trip. One object per
// worker and configuration; the connection is the worker's and outlives reloads.

#include <memory>
#include <span>
#include <string>

#include "store/redis_connection.hpp"
#include "store/session_store.hpp"
#include "store/store_sealer.hpp"

namespace keepsake {

class RedisStore final : public SessionStore {
 public:
  RedisStore(std::shared_ptr<RedisConnection> connection, std::shared_ptr<const KeyRing> keys,
             Random& random);

  Task<StoreResult> load(const SessionId& id, const StoreTimes& times, Session& out) override;
  Task<StoreResult> change(const SessionId* id, const SessionId* fresh, const StoreChanges& changes,
                           std::size_t max_values, const StoreTimes& times) override;
  Task<StoreResult> erase(const SessionId& id) override;
  // `after` is a cursor of SCAN.
  Task<StoreListing> list(const std::string& after, std::size_t limit,
                          const StoreTimes& times) override;
  Task<StoreResult> end(const StoreKey& key) override;

 private:
  struct Script {
    std::string_view text;
    std::string sha1;  // hex: what EVALSHA calls it
  };
  static Script script(std::string_view text);

  Task<RedisReply> run(const Script& script, std::span<std::string_view> words);
  bool read_values(const redisReply& fields, const SessionId& id, Session& out);
  void reseal_later(const SessionId& id, std::span<const std::string> words);

  std::shared_ptr<RedisConnection> connection_;
  StoreSealer sealer_;
  const Script load_;
  const Script change_;
};

}  // namespace keepsake
