import { createScript } from "./scripts.ts"

/**
 * A sliding log: a sorted set with a member for each stamp, its score the server's time in microseconds. Stamps never go
 * back, also when the server's clock does.
 *
 * KEYS: the log · ARGV: limit, window in microseconds, cost, a mark that no other take has
 * Gives 1 or 0, what remains, and microseconds: until the cost fits, until the window is empty.
 */
export const takeScript = createScript(`
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then now = math.max(now, tonumber(last[2])) end
local stamp = string.format('%.0f', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local count = redis.call('ZCARD', KEYS[1])
local function left(score) return string.format('%.0f', tonumber(score) + window - now) end
if count + cost > limit then
  local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  local wait = string.format('%.0f', window)
  if cost <= limit then
    local at = count + cost - limit - 1
    wait = left(redis.call('ZRANGE', KEYS[1], at, at, 'WITHSCORES')[2])
  end
  return {0, math.max(0, limit - count), wait, newest and left(newest) or '0'}
end
for first = 0, cost - 1, 1000 do
  local stamps = {}
  for at = first, math.min(first + 999, cost - 1) do
    stamps[#stamps + 1] = stamp
    stamps[#stamps + 1] = ARGV[4] .. ' ' .. at
  end
  redis.call('ZADD', KEYS[1], unpack(stamps))
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
return {1, limit - count - cost, '0', left(stamp)}
`)

/** KEYS: the log · ARGV: the mark of a take, its cost */
export const giveBackScript = createScript(`
for at = 0, tonumber(ARGV[2]) - 1 do redis.call('ZREM', KEYS[1], ARGV[1] .. ' ' .. at) end
`)

/** KEYS: the number · ARGV: what to add, ms to live or "" · Gives the sum. */
export const incrementScript = createScript(`
local fresh = redis.call('EXISTS', KEYS[1]) == 0
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if fresh and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum
`)
