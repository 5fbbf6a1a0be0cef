#include "store/redis_protocol.hpp"

#include <array>
#include <charconv>
#include <iterator>

namespace keepsake {

namespace {

void append_number(char sign, std::size_t number, std::string& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.push_back(sign);
  out.append(digits.data(), end);
  out.append("\r\n");
}

struct Sign {
  std::string_view text;
  StoreTrouble trouble;
};

// The error that a script met stands at the start of the reply since Redis 7 and inside of it
// before.
constexpr Sign kSigns[] = {
    {"OOM command", StoreTrouble::Full},
    {"READONLY", StoreTrouble::ReadOnly},
    {"MASTERDOWN", StoreTrouble::ReadOnly},
    {"LOADING", StoreTrouble::Loading},
    {"UNBLOCKED",
     StoreTrouble::ReadOnly},  // what a WAIT on a master hears when it becomes a replica
    {"NOREPLICAS", StoreTrouble::Replicas},
    {"TRYAGAIN", StoreTrouble::Cluster},
    {"CLUSTERDOWN", StoreTrouble::ClusterDown},
    {"MOVED ", StoreTrouble::Cluster},
    {"ASK ", StoreTrouble::Cluster},
    {"CROSSSLOT", StoreTrouble::Cluster},
    {"MISCONF", StoreTrouble::Disk},
    {"NOPERM", StoreTrouble::Forbidden},
    {"can't run this command", StoreTrouble::Forbidden},
    {"WRONGPASS", StoreTrouble::Login},
    {"invalid password", StoreTrouble::Login},
    {"AUTH", StoreTrouble::Login},
};

}  // namespace

void append_redis_command(std::span<const std::string_view> words, std::string& out) {
  append_number('*', words.size(), out);
  for (const std::string_view word : words) {
    append_number('$', word.size(), out);
    out.append(word).append("\r\n");
  }
}

std::string_view redis_text(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      return {reply.str, reply.len};
    default:
      return {};
  }
}

StoreTrouble classify_redis_error(std::string_view text) {
  for (const Sign& sign : kSigns) {
    if (text.find(sign.text) != std::string_view::npos) {
      return sign.trouble;
    }
  }
  return StoreTrouble::Other;
}

std::string_view word_of(StoreTrouble trouble) {
  static constexpr std::string_view words[] = {
      "unreachable", "lost",      "silent",     "tls",     "login",        "full",
      "read_only",   "loading",   "no_master",  "cluster", "cluster_down", "replicas",
      "disk",        "forbidden", "unreadable", "busy",    "other"};
  static_assert(std::size(words) == kStoreTroubles);
  return words[static_cast<std::size_t>(trouble)];
}

bool elsewhere(StoreTrouble trouble) {
  return trouble == StoreTrouble::ReadOnly || trouble == StoreTrouble::Loading ||
         trouble == StoreTrouble::ClusterDown;
}

std::string_view remedy(StoreTrouble trouble) {
  switch (trouble) {
    case StoreTrouble::Unreachable:
      return "is it running, and is session.redis.url right?";
    case StoreTrouble::Lost:
      return "was it restarted?";
    case StoreTrouble::Silent:
      return "if it is only slow, raise session.redis.timeout; its SLOWLOG says what holds it up";
    case StoreTrouble::Login:
      return "check user and password in session.redis.url, or session.redis.password";
    case StoreTrouble::Tls:
      return "does it speak TLS, for this name, with a certificate that session.redis.tls "
             "believes?";
    case StoreTrouble::NoMaster:
      return "ask a Sentinel by SENTINEL MASTERS: is session.redis.sentinel right, and is there a "
             "master?";
    case StoreTrouble::Replicas:
      return "are session.redis.replicas of them up, and can they follow?";
    case StoreTrouble::Busy:
      return "it answers too slowly for this load: its SLOWLOG and INFO COMMANDSTATS say what "
             "costs "
             "it time";
    case StoreTrouble::Full:
      return "raise its maxmemory; maxmemory-policy volatile-ttl would let the sessions go that "
             "end "
             "soonest";
    case StoreTrouble::ReadOnly:
      return "it is a replica, and Keepsake connects anew: session.redis.url must name its primary";
    case StoreTrouble::Loading:
      return "it reads its data file and will be back by itself";
    case StoreTrouble::Cluster:
      return "it is a node of a Redis Cluster (their errors are MOVED, ASK and CROSSSLOT): "
             "session.redis.url does not reach the sessions that other nodes hold; name some of "
             "its nodes in session.redis.cluster";
    case StoreTrouble::ClusterDown:
      return "too many nodes of the cluster are gone: see CLUSTER INFO";
    case StoreTrouble::Disk:
      return "it cannot save to its disk: see its own log, or CONFIG SET "
             "stop-writes-on-bgsave-error no";
    case StoreTrouble::Forbidden:
      return "allow this user ~keepsake:* +evalsha +eval +hgetall +hmget +hset +hdel +hlen "
             "+hexists +hget +expire +del +select (and +scan to list sessions, +wait with "
             "replicas, "
             "+cluster|slots in a cluster)";
    case StoreTrouble::Unreadable:
      return "session.secrets must list every secret that sessions were sealed with";
    default:
      return "see its own log";
  }
}

}  // namespace keepsake
