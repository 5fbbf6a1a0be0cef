#pragma once
// What redis_store lets Redis do in one step each. A session is one hash: `created` and `touched`
// (unix seconds) and its values as `v:KEY`, sealed. After a renewal `was` has the names of its
// former ids; a former id's hash has `renewed` (when) and `next` (the name of the new one). The
// time is the proxy's, given with each call: a session ends by its stamps, and a second later by
// Redis itself. Lua has no rollback, so each script looks first and then writes, what may be denied
// (a full store) before anything else. Each touches one key: a cluster runs it where that key is.

#include <string_view>

#include "store/session_store.hpp"

namespace keepsake {

static_assert(kFormerIdLasts == 30, "as the scripts have it");

// In front of the key of a value.
inline constexpr std::string_view kValuePrefix = "v:";

// KEYS: session. ARGV: now, idle timeout, absolute timeout, touch interval.
// All fields and values, as HGETALL says them, or 0. A store that cannot write still lets read:
// then there is one field more, `refused`, which says why.
inline constexpr std::string_view kLoadScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then return 0 end
local created, touched, renewed
for i = 1, #fields, 2 do
  if fields[i] == 'created' then created = tonumber(fields[i + 1])
  elseif fields[i] == 'touched' then touched = tonumber(fields[i + 1])
  elseif fields[i] == 'renewed' then renewed = tonumber(fields[i + 1]) end
end
if not created or not touched or now - touched > idle or now - created > absolute or
   (renewed and now - renewed > 30) then
  redis.pcall('DEL', KEYS[1])
  return 0
end
if not renewed and now - touched >= tonumber(ARGV[4]) then
  local done = redis.pcall('HSET', KEYS[1], 'touched', ARGV[1])
  if type(done) == 'table' and done.err then
    fields[#fields + 1] = 'refused'
    fields[#fields + 1] = done.err
  end
  redis.pcall('EXPIRE', KEYS[1], math.min(idle, absolute - (now - created)) + 1)
end
return fields
)lua";

// KEYS: session. ARGV: now, idle timeout, absolute timeout, touch interval, in use from, to (or
// nothing). 0 missing, 1 alive, or the name of the session that this one goes on as.
inline constexpr std::string_view kUseScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stamps = redis.call('HMGET', KEYS[1], 'created', 'touched', 'renewed', 'next')
local created, touched = tonumber(stamps[1] or ''), tonumber(stamps[2] or '')
local renewed = tonumber(stamps[3] or '')
if not created or not touched then return 0 end
if renewed then
  if now - renewed > 30 then return 0 end
  return stamps[4] or 0
end
local from, to = tonumber(ARGV[5] or ''), tonumber(ARGV[6] or '')
if from and from - touched <= idle and now - created <= absolute and to > touched and
   to - touched >= tonumber(ARGV[4]) then
  touched = to
  redis.call('HSET', KEYS[1], 'touched', ARGV[6])
  redis.call('EXPIRE', KEYS[1],
             math.max(math.min(touched + idle, created + absolute) - now, 0) + 1)
end
if now - touched > idle or now - created > absolute then return 0 end
return 1
)lua";

// KEYS: session. ARGV: now, idle timeout, absolute timeout, most values, and for each change a
// field and its value sealed (empty: remove). 0 missing, 1 changed, 4 too many, 5 a former id; for
// a session that was emptied the names of its former ids.
inline constexpr std::string_view kChangeScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local key = KEYS[1]
local stamps = redis.call('HMGET', key, 'created', 'touched', 'renewed', 'was')
local created, touched = tonumber(stamps[1] or ''), tonumber(stamps[2] or '')
if not created or not touched or now - touched > idle or now - created > absolute then
  redis.call('DEL', key)
  return 0
end
if stamps[3] then return 5 end
local count = redis.call('HLEN', key) - (stamps[4] and 3 or 2)
local had = count
local order, value, there = {}, {}, {}
for i = 5, #ARGV, 2 do
  local field = ARGV[i]
  if not value[field] then
    order[#order + 1] = field
    there[field] = redis.call('HEXISTS', key, field) == 1
  end
  value[field] = ARGV[i + 1]
end
local set, gone = {'HSET', key, 'touched', ARGV[1]}, {'HDEL', key}
for _, field in ipairs(order) do
  if value[field] ~= '' then
    if not there[field] then count = count + 1 end
    set[#set + 1] = field
    set[#set + 1] = value[field]
  elseif there[field] then
    count = count - 1
    gone[#gone + 1] = field
  end
end
if count <= 0 then
  redis.call('DEL', key)
  return stamps[4] or ''
end
if count > tonumber(ARGV[4]) and count > had then return 4 end
if #set > 4 then redis.call(unpack(set)) else redis.pcall(unpack(set)) end
if #gone > 2 then redis.call(unpack(gone)) end
redis.call('EXPIRE', key, math.min(idle, absolute - (now - created)) + 1)
return 1
)lua";

// KEYS: session, which nobody knows yet. ARGV: now, idle timeout, absolute timeout, created, names
// of its former ids (or nothing), and for each value its field and it, sealed. 1.
inline constexpr std::string_view kBeginScript = R"lua(
local now, created = tonumber(ARGV[1]), tonumber(ARGV[4])
local set = {'HSET', KEYS[1], 'touched', ARGV[1], 'created', ARGV[4]}
if ARGV[5] ~= '' then
  set[#set + 1] = 'was'
  set[#set + 1] = ARGV[5]
end
for i = 6, #ARGV do set[#set + 1] = ARGV[i] end
redis.call(unpack(set))
redis.call('EXPIRE', KEYS[1], math.min(tonumber(ARGV[2]), tonumber(ARGV[3]) - (now - created)) + 1)
return 1
)lua";

// KEYS: session that goes on as another. ARGV: now, idle timeout, absolute timeout, the name of the
// other, and the fields that may not be read here any more. All fields and values as they were; 0
// missing, 5 a former id already.
inline constexpr std::string_view kRetireScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
local created, touched
for i = 1, #fields, 2 do
  if fields[i] == 'created' then created = tonumber(fields[i + 1])
  elseif fields[i] == 'touched' then touched = tonumber(fields[i + 1])
  elseif fields[i] == 'renewed' then return 5 end
end
if not created or not touched then return 0 end
redis.call('HSET', KEYS[1], 'renewed', ARGV[1], 'next', ARGV[4], 'touched', ARGV[1])
for i = 5, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], math.max(math.min(30, idle, created + absolute - now), 0) + 1)
return fields
)lua";

// KEYS: session. 0 missing, or the names of its former ids.
inline constexpr std::string_view kEndScript = R"lua(
local was = redis.call('HGET', KEYS[1], 'was')
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
return was or ''
)lua";

// KEYS: session. ARGV: for each value its field, how it was sealed, how it is to be sealed.
// What somebody changed meanwhile stays as they left it.
inline constexpr std::string_view kResealScript = R"lua(
for i = 1, #ARGV, 3 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
)lua";

}  // namespace keepsake
