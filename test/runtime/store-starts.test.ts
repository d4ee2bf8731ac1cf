import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { until } from "../support/platform.ts"
import { type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"
import { type S3Server, startS3Server } from "../support/s3-server.ts"
import { connected, dataOf, linkCompany, openStage } from "./stage.ts"
import { startInVain } from "./starts.ts"

const MINUTES = 60_000
const REFUSED = "Switchboard cannot start:"
const PASSWORD = "the-right-one"
let s3: S3Server
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  s3 = await startS3Server()
  folder = await temporaryFolder()
})
afterAll(async () => {
  await s3.stop()
  await folder.remove()
})

/** What a start says that is refused: from the sentence on, which comes last. */
async function refusal(env: Readonly<Record<string, string>>): Promise<string> {
  const { code, lines } = await startInVain({ WHATSAPP_SESSIONS_PATH: folder.path, ...env })
  expect(code).toBe(1)
  const at = lines.findIndex((line) => line.startsWith(REFUSED))
  return lines.slice(at).join("\n")
}

function s3Env(change: Readonly<Record<string, string>>): Record<string, string> {
  const { endpoint = "", bucket = "", accessKeyId = "", secretAccessKey = "" } = s3.options()
  return {
    WHATSAPP_STORAGE: "s3",
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
    ...change,
  }
}

describe("a store that is set up wrongly stops the start with one sentence that names the variable", () => {
  test.each([
    ["not JSON", { WHATSAPP_STORES: "archive: s3cret" }, /^Switchboard cannot start: WHATSAPP_STORES: expected a JSON/],
    [
      "an adapter that is not there",
      { WHATSAPP_STORES: '{"archive":{"adapter":"mongo"}}' },
      /^Switchboard cannot start: WHATSAPP_STORES: archive: adapter: expected one of filesystem, redis, s3/,
    ],
    [
      "an option that is not there",
      { WHATSAPP_STORES: '{"archive":{"adapter":"filesystem","paht":"x"}}' },
      /WHATSAPP_STORES: archive: paht: is no option of filesystem; it has path/,
    ],
    ["a store of no name", { WHATSAPP_STORAGE: "archive" }, /WHATSAPP_STORAGE: expected one of filesystem/],
    ["Redis without a server", { WHATSAPP_STORAGE: "redis" }, /REDIS_URL: is needed by WHATSAPP_STORAGE=redis/],
    [
      "another protocol",
      { WHATSAPP_STORAGE: "redis", REDIS_URL: "http://user:s3cret@127.0.0.1" },
      /REDIS_URL: .*expected redis:\/\//,
    ],
  ])("%s", { timeout: MINUTES }, async (_what, env, said) => {
    const text = await refusal(env)
    expect(text).toMatch(said)
    expect(text).not.toContain("s3cret")
  })

  test("a bucket that is not there", { timeout: MINUTES }, async () => {
    expect(await refusal(s3Env({ S3_BUCKET: "nobody-made-it" }))).toMatch(/S3_BUCKET: .*There is no such bucket/)
  })

  test("an access key that nobody knows", { timeout: MINUTES }, async () => {
    expect(await refusal(s3Env({ S3_ACCESS_KEY_ID: "nobody" }))).toMatch(/S3_ACCESS_KEY_ID: .*does not know/)
  })

  test.skipIf(redisMissing !== "")(`a wrong password${redisMissing}`, { timeout: MINUTES }, async () => {
    const redis = await startRedis({ password: PASSWORD, args: ["--requirepass", PASSWORD] })
    try {
      const text = await refusal({ WHATSAPP_STORAGE: "redis", REDIS_URL: redis.url.replace(PASSWORD, "s3cret") })
      expect(text).toMatch(/REDIS_URL: .*refuses the user and password/)
      expect(text).not.toContain("s3cret")
    } finally {
      await redis.remove()
    }
  })
})

test.skipIf(redisMissing !== "")(
  `a Redis that is not there yet: the server says which, answers, and works as soon as it is${redisMissing}`,
  { timeout: 2 * MINUTES },
  async () => {
    const redis: RedisServer = await startRedis()
    await redis.stop()
    const env = { WHATSAPP_STORAGE: "redis", REDIS_URL: redis.url, WHATSAPP_HEALTH_CHECK_INTERVAL: "500" }
    const stage = await openStage({ env })
    try {
      const { platform } = stage
      const told = await until("a line about the store", 30_000, async () =>
        platform.tail().find((line) => line.includes('"store":"redis"') && /"level":"(?:warn|error)"/.test(line)),
      )
      expect(told).toContain("ECONNREFUSED")
      interface Health {
        readonly status: string
        readonly checks: { readonly stores?: { readonly detail?: string } }
      }
      const health = await until("a health that is not well", 30_000, async () => {
        const seen = dataOf<Health>(await platform.call("GET", "/api/whatsapp/health"))
        return seen.status === "healthy" ? undefined : seen
      })
      expect(health).toMatchObject({ status: "degraded", checks: { stores: { detail: "cannot be reached: redis" } } })

      const begun = performance.now()
      const refused = await platform.call("POST", "/api/whatsapp/sessions/company-1/initialize", {})
      expect([refused.status, (refused.body.error as { code: string }).code]).toEqual([503, "STORAGE_UNAVAILABLE"])
      expect(performance.now() - begun).toBeLessThan(10_000)

      await redis.start()
      const company = await until("the store to be of use", 60_000, () =>
        linkCompany(stage, "company-1", "4915112348001").catch(() => undefined),
      )
      await connected(platform, company, 30_000)
    } finally {
      await stage.close()
      await redis.remove()
    }
  },
)
