import { createScript } from "./scripts.ts"

/**
 * The key of an instance holds `<birth> <process>`: birth is the server's time at the first heartbeat, so that of two
 * processes of one instance the later one stays, and they do not throw each other out in turns.
 *
 * KEYS: the instance · ARGV: process, its birth or "" before the first time, ms of the lease
 * Gives the text of the key, or nil when a later process of the instance lives.
 */
export const beginScript = createScript(`
local born = ARGV[2]
if born == '' then
  local now = redis.call('TIME')
  born = string.format('%.0f', now[1] * 1000000 + now[2])
end
local own = born .. ' ' .. ARGV[1]
local there = redis.call('GET', KEYS[1])
if there and there ~= own and tonumber(string.match(there, '^%d+')) > tonumber(born) then return false end
redis.call('SET', KEYS[1], own, 'PX', ARGV[3])
return own
`)

/** KEYS: the instance · ARGV: its text, ms of the lease · Gives 0 when the key has gone or is another process's. */
export const keepScript = createScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** KEYS: the instance · ARGV: its text */
export const endScript = createScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)

/**
 * KEYS: the company, what is kept of an erased one, the own instance, the instance that holds it
 * ARGV: text of the own instance's key, own instance, the claim to be replaced or "", "1" when its holder may live
 * Gives `claimed` and the fence; `alive`; `held` and the claim that is there when it is another than expected; or
 * `beat` when the own instance's key has gone.
 */
export const claimScript = createScript(`
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return {'beat'} end
local claim = redis.call('HGET', KEYS[1], 'claim') or ''
if claim ~= ARGV[3] then return {'held', claim} end
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[4]) == 1 then return {'alive'} end
local highest = redis.call('HGET', KEYS[1], 'fence') or redis.call('HGET', KEYS[2], 'fence') or '0'
local now = redis.call('TIME')
local fence = string.format('%.0f', math.max(now[1] * 1000000 + now[2], tonumber(highest) + 1))
redis.call('HSET', KEYS[1], 'claim', fence .. ' ' .. ARGV[2], 'fence', fence)
redis.call('DEL', KEYS[2])
return {'claimed', fence}
`)

/**
 * A company without a record leaves nothing behind but what is known of its writers, for a while.
 *
 * KEYS: the company, the set of companies, what is kept of an erased one · ARGV: company, the claim, ms to keep that
 */
export const releaseScript = createScript(`
if redis.call('HGET', KEYS[1], 'claim') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'claim')
local fields = 0
for _, name in ipairs({'fence', 'order', 'loose'}) do fields = fields + redis.call('HEXISTS', KEYS[1], name) end
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) == fields then
  redis.call('RENAME', KEYS[1], KEYS[3])
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
return 1
`)
