"""The arithmetic of `limits_account` as Redis runs it: one round trip, all or nothing, in one slot of a cluster.

A meter has two hashes: its account, and the slots that each worker holds as `<count> <end of its lease>`. A worker
that no longer renews its lease holds nothing. Numbers travel as text, because Redis cuts Lua's to whole ones.

Redis tells no other time than its wall clock. So the first key of every script holds a count of seconds that goes on
by what that clock advanced since the last script, at least by nothing and at most by what the caller says has passed
since its own last one: a step of the clock moves the count by no more than the pause between two scripts.
"""

_COUNT = """
local function text(number) return string.format('%.17g', number) end
local function counted(key, most, told)
  local wall = tonumber(told)
  if wall == nil then
    local t = redis.call('TIME')
    wall = tonumber(t[1]) + tonumber(t[2]) / 1e6
  end
  local v = redis.call('HMGET', key, 'wall', 'count')
  local now = wall
  if v[1] then
    local step = math.max(wall - tonumber(v[1]), 0)
    if most ~= '' then step = math.min(step, tonumber(most)) end
    now = tonumber(v[2]) + step
  end
  redis.call('HSET', key, 'wall', text(wall), 'count', text(now))
  return now
end
local now = counted(KEYS[1], ARGV[1], ARGV[2])
"""

_ASKED = """
local tokens, cost, day_left = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local me, lease, debt = ARGV[6], text(now + tonumber(ARGV[7])), tonumber(ARGV[8])
local function today(since) -- when the day began whose budgets are used: see limits_day
  local start = now + day_left - 86400
  if since and start - tonumber(since) < 57600 and tonumber(since) <= now + 7200 then return since end
  return text(start)
end
local keep = math.ceil(math.max(day_left, 0) + debt + 172800) -- by the wall clock: a step must not reach the end
"""

ENTER = (
    _COUNT
    + _ASKED
    + """
local function pour(arrival, period, limit, amount, most)
  local base = math.min(math.max(arrival, now), now + most)
  local after = base + amount * period / limit
  local wait = after - now - period
  if wait > 1e-6 then after = base else wait = 0 end
  local left = math.max(math.floor((now + period - after) * limit / period + 1e-4), 0)
  return after, {limit, left, after - now}, wait
end
local function scarcer(one, other) -- of two that leave as much, the first
  if one == nil or (other ~= nil and other[2] < one[2]) then return other end
  return one
end
local function told(room)
  if room == nil then return '', '', '' end
  return text(room[1]), text(room[2]), text(room[3])
end
local function answer(refused, wait, index, limit, requests, spare)
  local a, b, c = told(requests)
  local d, e, f = told(spare)
  return {refused, text(wait), text(index), text(limit), a, b, c, d, e, f}
end
local requests, spare, writes = nil, nil, {}
for i = 1, (#KEYS - 1) / 2 do
  local at = 8 + (i - 1) * 7
  local fresh = ARGV[at + 1] == '1'
  local per_second, per_minute, slots = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local per_tokens, day_tokens, day_cost = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local account, holders, mine = KEYS[2 * i], KEYS[2 * i + 1], 0
  if fresh and slots > 0 then
    local all, held = redis.call('HGETALL', holders), 0
    for j = 1, #all, 2 do
      local count, until_ = string.match(all[j + 1], '(%d+) (.+)')
      if tonumber(until_) > now then
        held = held + tonumber(count)
        if all[j] == me then mine = tonumber(count) end
      end
    end
    if held >= slots then return answer('slots', 1, i, slots) end
  end
  local v = redis.call('HMGET', account, 's', 'm', 't', 'day', 'dt', 'dc')
  local second, minute, spent = tonumber(v[1] or 0), tonumber(v[2] or 0), tonumber(v[3] or 0)
  local used_tokens, used_cost, why, wait, limit, room, asked = 0, 0, '', 0, 0, nil, nil
  local day = today(v[4])
  if v[4] == day then used_tokens, used_cost = tonumber(v[5]), tonumber(v[6]) end
  local s, m, t = second, minute, spent
  if fresh and per_second > 0 then
    s, room, wait = pour(second, 1, per_second, 1, 1)
    if wait > 0 then why, limit = 'requests', per_second else asked = room end
  end
  if why == '' and fresh and per_minute > 0 then
    m, room, wait = pour(minute, 60, per_minute, 1, 60)
    if wait > 0 then why, limit = 'requests', per_minute else asked = scarcer(room, asked) end
  end
  if why == '' and per_tokens > 0 then
    t, room, wait = pour(spent, 60, per_tokens, tokens, debt)
    if wait > 0 then why, limit = 'tokens', per_tokens else spare = scarcer(spare, room) end
  end
  if why == '' and day_tokens > 0 and used_tokens + math.max(tokens, 1) > day_tokens then
    why, limit, wait, room = 'day_tokens', day_tokens, day_left, nil
  end
  if why == '' and day_cost > 0 and used_cost + math.max(cost, 1) > day_cost then
    why, limit, wait, room = 'day_cost', day_cost, day_left, nil
  end
  if why ~= '' then
    redis.call('HSET', account, 's', text(math.min(second, now + 1)), 'm', text(math.min(minute, now + 60)),
               't', text(math.min(spent, now + debt)))
    redis.call('EXPIRE', account, keep)
    local r, t = why == 'requests' and room or nil, why == 'tokens' and room or nil
    return answer(why, math.max(wait, 0.001), i, limit, r, t)
  end
  requests = scarcer(requests, asked)
  writes[i] = {account, s, m, t, used_tokens + tokens, used_cost + cost, fresh and slots > 0 and holders, mine + 1,
               day}
end
for _, w in ipairs(writes) do
  redis.call('HSET', w[1], 's', text(w[2]), 'm', text(w[3]), 't', text(w[4]),
             'day', w[9], 'dt', text(w[5]), 'dc', text(w[6]))
  redis.call('EXPIRE', w[1], keep)
  if w[7] then
    redis.call('HSET', w[7], me, w[8] .. ' ' .. lease)
    redis.call('EXPIRE', w[7], 86400)
  end
end
return answer('', 0, 0, 0, requests, spare)
"""
)

LEAVE = (
    _COUNT
    + _ASKED
    + """
for i = 1, (#KEYS - 1) / 2 do
  local at = 8 + (i - 1) * 2
  local slots, per_tokens = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local account, holders = KEYS[2 * i], KEYS[2 * i + 1]
  if slots > 0 then
    local count = tonumber(string.match(redis.call('HGET', holders, me) or '0', '%d+')) - 1
    if count > 0 then redis.call('HSET', holders, me, count .. ' ' .. lease) else redis.call('HDEL', holders, me) end
  end
  if tokens ~= 0 or cost ~= 0 then
    local v = redis.call('HMGET', account, 't', 'day', 'dt', 'dc')
    local used_tokens, used_cost = 0, 0
    local day = today(v[2])
    if v[2] == day then used_tokens, used_cost = tonumber(v[3]), tonumber(v[4]) end
    local arrival = tonumber(v[1] or 0)
    if per_tokens > 0 and tokens ~= 0 then
      arrival = math.min(math.max(arrival, now), now + debt) + tokens * 60 / per_tokens
    end
    redis.call('HSET', account, 't', string.format('%.17g', arrival), 'day', day,
               'dt', string.format('%.17g', math.max(used_tokens + tokens, 0)),
               'dc', string.format('%.17g', math.max(used_cost + cost, 0)))
    redis.call('EXPIRE', account, keep)
  end
end
"""
)

_BAN = """
local function ban(key, length, since, trace)
  redis.call('ZADD', key, now, string.format('%.3f %s %s', now + length, since, trace))
end
"""

BAN = (
    _COUNT
    + _BAN
    + """
ban(KEYS[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])
"""
)

GUESS = (
    _COUNT
    + _BAN
    + """
local window = tonumber(ARGV[6])
local v = redis.call('HMGET', KEYS[3], 'start', 'count')
local start, count = tonumber(v[1] or now), tonumber(v[2] or 0)
if now >= start + window then start, count = now, 0 end
count = count + 1
if count < tonumber(ARGV[7]) then
  redis.call('HSET', KEYS[3], 'start', text(start), 'count', count)
  redis.call('EXPIRE', KEYS[3], math.ceil(window) + 86400)
  return 0
end
redis.call('DEL', KEYS[3])
ban(KEYS[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])
return 1
"""
)

RETREAT = (
    _COUNT
    + """
redis.call('ZADD', KEYS[2], now, ARGV[3])
"""
)

LOOK = (
    _COUNT
    + """
local hosts, bans, retreats = KEYS[2], KEYS[3], KEYS[4]
local host, absent, old = ARGV[3], now - tonumber(ARGV[4]), now - tonumber(ARGV[5])
local seen, me, lease = ARGV[6], ARGV[7], ARGV[8]
redis.call('ZADD', hosts, now, host)
redis.call('ZREMRANGEBYSCORE', hosts, '-inf', absent)
redis.call('ZREMRANGEBYSCORE', bans, '-inf', old)
redis.call('ZREMRANGEBYSCORE', retreats, '-inf', old)
for i = 5, #KEYS do
  redis.call('HSET', KEYS[i], me, ARGV[i + 4] .. ' ' .. text(now + tonumber(lease)))
  redis.call('EXPIRE', KEYS[i], 86400)
end
local fresh = redis.call('ZRANGEBYSCORE', bans, seen, '+inf')
return {text(now), redis.call('ZCARD', hosts), fresh, redis.call('ZRANGE', retreats, 0, -1)}
"""
)
