import { createScript } from "./scripts.ts"

export const ERASED_KEPT_MS = 86_400_000

/**
 * How a company is written. Beside its records (`kind/key`) its hash has fields of ours, without a slash:
 *
 * - `fence`: the highest that has claimed or written;
 * - `claim`: `<fence> <instance>` while it is claimed;
 * - `order`, `loose`: `<writer> <number>` of the last write with a fence and of the last one without. A process numbers its
 *   writes: one that comes a second time is not done again, and one that comes after a later one is late and refused.
 *   That may happen to a write whose connection broke: nobody waits for it, yet it may still be under way.
 *
 * What is known of the writers of an erased company is kept elsewhere for a day: without it, a clock set back and a late
 * write could bring it back. A write under a fence that a claim has given needs none of that: the claim has written the
 * fence, and where it is gone, so is the right to write.
 *
 * All checks come before the first write, and only the first write can fail (a key of another type, no memory left): so
 * all of it is done or nothing.
 *
 * KEYS: the company, the set of companies, what is kept of an erased one
 * ARGV: company, fence or "", "1" when a claim has given it, writer, number, ms to keep what is known of an erased one
 */
const known = `
local fence = tonumber(ARGV[2])
local slot = fence and 'order' or 'loose'
local function read(at)
  return redis.call('HMGET', at, 'fence', 'order', 'loose')
end
local function refusal(state, gone)
  local highest = tonumber(state[1] or '0')
  if fence and (fence < highest or (ARGV[3] == '1' and (gone or fence ~= highest))) then return 'FENCED' end
  local last = state[fence and 2 or 3]
  if last then
    local writer, number = string.match(last, '^(%S+) (%d+)$')
    if writer == ARGV[4] and tonumber(number) > tonumber(ARGV[5]) then return 'LATE' end
    if writer == ARGV[4] and number == ARGV[5] then return 'DONE' end
  end
end
local function noted(state, all)
  local fields = {slot, ARGV[4] .. ' ' .. ARGV[5]}
  local function add(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if fence and fence > tonumber(state[1] or '0') then add('fence', ARGV[2])
  elseif all and state[1] then add('fence', state[1]) end
  if all and fence and state[3] then add('loose', state[3]) end
  if all and not fence and state[2] then add('order', state[2]) end
  return fields
end
`

/** Further ARGV: number of records to put, then key and value of each, then the keys to delete. `-1` for none: only later writes count from here on. */
export const commitScript = createScript(`${known}
local state, gone = read(KEYS[1]), false
if not (state[1] or state[2] or state[3]) then
  state, gone = read(KEYS[3]), true
end
local refused = refusal(state, gone)
if refused then return refused end
local puts = tonumber(ARGV[7])
if puts < 0 then
  redis.call('HSET', gone and KEYS[3] or KEYS[1], unpack(noted(state)))
  if gone then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
  return 'DONE'
end
redis.call('SADD', KEYS[2], ARGV[1])
local fields = noted(state, gone)
local last = 7 + 2 * puts
for at = 8, last do
  fields[#fields + 1] = ARGV[at]
  if #fields >= 2000 and at % 2 == 1 then
    redis.call('HSET', KEYS[1], unpack(fields))
    fields = {}
  end
end
if #fields > 0 then redis.call('HSET', KEYS[1], unpack(fields)) end
for first = last + 1, #ARGV, 2000 do
  redis.call('HDEL', KEYS[1], unpack(ARGV, first, math.min(first + 1999, #ARGV)))
end
if gone then redis.call('DEL', KEYS[3]) end
return 'DONE'
`)

/** A claim stays, with its fence: whoever holds the company begins it anew or releases it. */
export const eraseScript = createScript(`${known}
local state, gone, claim = {}, false, false
if redis.call('TYPE', KEYS[1]).ok == 'hash' then
  state, claim = read(KEYS[1]), redis.call('HGET', KEYS[1], 'claim')
end
if not (state[1] or state[2] or state[3]) then
  state, gone = read(KEYS[3]), true
end
local refused = refusal(state, gone)
if refused then return refused end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('UNLINK', KEYS[1])
if claim then
  redis.call('HSET', KEYS[1], 'claim', claim, unpack(noted(state, true)))
else
  redis.call('HSET', KEYS[3], unpack(noted(state, true)))
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
end
return 'DONE'
`)
