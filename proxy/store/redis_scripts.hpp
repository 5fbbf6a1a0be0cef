#pragma once
// What redis_store lets Redis do in one step each. A session is one hash: `created` and `touched`
// (unix seconds), `lifetime` if it has one of its own (seconds), `index` if one lists it (digits,
// redis_index.cpp), and its values as `v:KEY`, sealed. After a renewal `was` has the names of its
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

// KEYS: session. ARGV: now, idle timeout, absolute timeout, touch interval
// (more than the absolute timeout: no touch).
// All fields and values, as HGETALL says them, or 0. A store that cannot write still lets read:
// then there is one field more, `refused`, which says why.
inline constexpr std::string_view kLoadScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then return 0 end
local touch = tonumber(ARGV[4])
local created, touched, renewed, own
for i = 1, #fields, 2 do
  if fields[i] == 'created' then created = tonumber(fields[i + 1])
  elseif fields[i] == 'touched' then touched = tonumber(fields[i + 1])
  elseif fields[i] == 'lifetime' then own = tonumber(fields[i + 1])
  elseif fields[i] == 'renewed' then renewed = tonumber(fields[i + 1]) end
end
if own and own > 0 then
  idle = own
  if touch <= absolute then touch = math.min(touch, math.floor(own / 2)) end
end
if not created or not touched or now - touched > idle or now - created > absolute or
   (renewed and now - renewed > 30) then
  redis.pcall('DEL', KEYS[1])
  return 0
end
if not renewed and now - touched >= touch then
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
// nothing). 0 missing, 1 alive, or the name of the session that this one goes on as. Of one that an
// index lists and that was touched: how long it may live yet, and the digits of its index.
inline constexpr std::string_view kUseScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stamps = redis.call('HMGET', KEYS[1], 'created', 'touched', 'renewed', 'next', 'lifetime',
                          'index')
local created, touched = tonumber(stamps[1] or ''), tonumber(stamps[2] or '')
local renewed, own = tonumber(stamps[3] or ''), tonumber(stamps[5] or '')
local touch = tonumber(ARGV[4])
if own and own > 0 then
  idle = own
  if touch <= absolute then touch = math.min(touch, math.floor(own / 2)) end
end
if not created or not touched then return 0 end
if renewed then
  if now - renewed > 30 then return 0 end
  return stamps[4] or 0
end
local from, to = tonumber(ARGV[5] or ''), tonumber(ARGV[6] or '')
if from and from - touched <= idle and now - created <= absolute and to > touched and
   to - touched >= touch then
  touched = to
  redis.call('HSET', KEYS[1], 'touched', ARGV[6])
  local left = math.max(math.min(touched + idle, created + absolute) - now, 0) + 1
  redis.call('EXPIRE', KEYS[1], left)
  if stamps[6] then return {left, stamps[6]} end
end
if now - touched > idle or now - created > absolute then return 0 end
return 1
)lua";

// KEYS: session. ARGV: now, idle timeout, absolute timeout, most values, lifetime (empty: it stays;
// -: as configured), and for each change a field and its value sealed (empty: remove). 0 missing, 1
// changed, 4 too many, 5 a former id; for a session that was emptied the names of its former ids
// and the digits of its index.
inline constexpr std::string_view kChangeScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local key = KEYS[1]
local stamps = redis.call('HMGET', key, 'created', 'touched', 'renewed', 'was', 'lifetime',
                          'index')
local created, touched = tonumber(stamps[1] or ''), tonumber(stamps[2] or '')
local own, usual = tonumber(stamps[5] or ''), idle
if own and own > 0 then idle = own end
if not created or not touched or now - touched > idle or now - created > absolute then
  redis.call('DEL', key)
  return 0
end
if stamps[3] then return 5 end
local count = redis.call('HLEN', key) - 2
for i = 4, 6 do if stamps[i] then count = count - 1 end end
local had = count
local order, value, there = {}, {}, {}
for i = 6, #ARGV, 2 do
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
  return {stamps[4] or '', stamps[6] or ''}
end
if count > tonumber(ARGV[4]) and count > had then return 4 end
if ARGV[5] == '-' then
  gone[#gone + 1] = 'lifetime'
  idle = usual
elseif ARGV[5] ~= '' then
  set[#set + 1] = 'lifetime'
  set[#set + 1] = ARGV[5]
  own = tonumber(ARGV[5])
  idle = own > 0 and own or usual
end
if #set > 4 then redis.call(unpack(set)) else redis.pcall(unpack(set)) end
if #gone > 2 then redis.call(unpack(gone)) end
redis.call('EXPIRE', key, math.min(idle, absolute - (now - created)) + 1)
return 1
)lua";

// KEYS: session, which nobody knows yet. ARGV: now, idle timeout, absolute timeout, created, names
// of its former ids, lifetime, digits of its index (each or nothing), and for each value its field
// and it, sealed. 1.
inline constexpr std::string_view kBeginScript = R"lua(
local now, created = tonumber(ARGV[1]), tonumber(ARGV[4])
local idle, own = tonumber(ARGV[2]), tonumber(ARGV[6])
local set = {'HSET', KEYS[1], 'touched', ARGV[1], 'created', ARGV[4]}
if own then
  set[#set + 1] = 'lifetime'
  set[#set + 1] = ARGV[6]
  if own > 0 then idle = own end
end
if ARGV[5] ~= '' then
  set[#set + 1] = 'was'
  set[#set + 1] = ARGV[5]
end
if ARGV[7] ~= '' then
  set[#set + 1] = 'index'
  set[#set + 1] = ARGV[7]
end
for i = 8, #ARGV do set[#set + 1] = ARGV[i] end
redis.call(unpack(set))
redis.call('EXPIRE', KEYS[1], math.min(idle, tonumber(ARGV[3]) - (now - created)) + 1)
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
redis.call('HDEL', KEYS[1], 'index')
for i = 5, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], math.max(math.min(30, idle, created + absolute - now), 0) + 1)
return fields
)lua";

// KEYS: session. 0 missing, or the names of its former ids and the digits of its index.
inline constexpr std::string_view kEndScript = R"lua(
local marks = redis.call('HMGET', KEYS[1], 'was', 'index')
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
return {marks[1] or '', marks[2] or ''}
)lua";

// An index is a sorted set: the names of the sessions with one value, by the last second in
// which each is alive unless it is used.
// KEYS: index. ARGV: now, two that mean nothing here, name of a session, when it is over. 1.
inline constexpr std::string_view kEnterScript = R"lua(
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[5], ARGV[4])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIRE', KEYS[1], math.max(tonumber(last[2]) - tonumber(ARGV[1]), 0) + 1)
return 1
)lua";

// KEYS: session. ARGV: digits of its index. What it had there before, or 0 if there is no such
// session, or only a former id of one.
inline constexpr std::string_view kMarkScript = R"lua(
local marks = redis.call('HMGET', KEYS[1], 'created', 'renewed', 'index')
if not marks[1] or marks[2] then return 0 end
redis.call('HSET', KEYS[1], 'index', ARGV[1])
return marks[3] or ''
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
