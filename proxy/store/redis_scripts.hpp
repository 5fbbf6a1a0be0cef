#pragma once
// What redis_store lets Redis do in one step each. A session is one hash: `created` and `touched`
// (unix seconds) and its values as `v:KEY`, sealed. The time is the proxy's, given with each call:
// a session ends by its stamps, and a second later by Redis itself. Lua has no rollback, so each
// script looks first and then writes, what may be denied (a full store) before anything else.

#include <string_view>

namespace keepsake {

// KEYS: session. ARGV: now, idle timeout, absolute timeout, touch interval.
// All fields and values, as HGETALL says them, or 0. A store that cannot write still lets read.
inline constexpr std::string_view kLoadScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then return 0 end
local created, touched
for i = 1, #fields, 2 do
  if fields[i] == 'created' then created = tonumber(fields[i + 1])
  elseif fields[i] == 'touched' then touched = tonumber(fields[i + 1]) end
end
if not created or not touched or now - touched > idle or now - created > absolute then
  redis.pcall('DEL', KEYS[1])
  return 0
end
if now - touched >= tonumber(ARGV[4]) then
  redis.pcall('HSET', KEYS[1], 'touched', ARGV[1])
  redis.pcall('EXPIRE', KEYS[1], math.min(idle, absolute - (now - created)) + 1)
end
return fields
)lua";

// KEYS: the session that is known, the one that may begin; or only one of them.
// ARGV: now, idle timeout, absolute timeout, most values, which keys (known | fresh | either), and
// for each change a field, its value sealed for the known and for the fresh session (both empty:
// remove). 0 missing, 1 changed, 2 begun, 3 emptied, 4 too many.
inline constexpr std::string_view kChangeScript = R"lua(
local now, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known, fresh = KEYS[1], KEYS[2]
if ARGV[5] == 'fresh' then known, fresh = nil, KEYS[1] end
local created
if known then
  local stamps = redis.call('HMGET', known, 'created', 'touched')
  created = tonumber(stamps[1] or '')
  local touched = tonumber(stamps[2] or '')
  if not created or not touched or now - touched > idle or now - created > absolute then
    redis.call('DEL', known)
    created = nil
  end
end
local key, column, count = known, 1, 0
if created then
  count = redis.call('HLEN', known) - 2
elseif fresh then
  key, column, created = fresh, 2, now
else
  return 0
end
local had = count
local order, value, there = {}, {}, {}
for i = 6, #ARGV, 3 do
  local field = ARGV[i]
  if not value[field] then
    order[#order + 1] = field
    there[field] = column == 1 and redis.call('HEXISTS', key, field) == 1
  end
  value[field] = ARGV[i + column]
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
  if column == 2 then return 0 end
  redis.call('DEL', key)
  return 3
end
if count > tonumber(ARGV[4]) and count > had then return 4 end
if column == 2 then
  set[#set + 1] = 'created'
  set[#set + 1] = ARGV[1]
end
if #set > 4 then redis.call(unpack(set)) else redis.pcall(unpack(set)) end
if #gone > 2 then redis.call(unpack(gone)) end
redis.call('EXPIRE', key, math.min(idle, absolute - (now - created)) + 1)
return column
)lua";

// ARGV: where SCAN goes on, how many keys it looks at. Where the next one goes on; then for each
// session its key, created, touched and the number of its values.
inline constexpr std::string_view kListScript = R"lua(
local page = redis.call('SCAN', ARGV[1], 'MATCH', 'keepsake:*', 'COUNT', ARGV[2])
local out = {page[1]}
for _, key in ipairs(page[2]) do
  local stamps = redis.pcall('HMGET', key, 'created', 'touched')
  if not stamps.err and stamps[1] and stamps[2] then
    out[#out + 1] = key
    out[#out + 1] = stamps[1]
    out[#out + 1] = stamps[2]
    out[#out + 1] = redis.call('HLEN', key) - 2
  end
end
return out
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
