import { expect, test } from "vitest"
import { type Platform, startPlatform } from "../support/platform.ts"
import { runReseals } from "./reseals.ts"
import { connected, linkedOnce, openStage } from "./stage.ts"

const MINUTES = 60_000

test("lines that were plain are sealed, and then under another key, while they send and receive, over kills", {
  timeout: 3 * MINUTES,
}, async () => {
  const { hits, resealed, verdict, records } = await runReseals({ kills: 2 })
  expect(hits).toBeGreaterThan(0)
  for (const written of resealed) expect(written).toBeGreaterThan(100)
  expect(verdict).toMatchObject({ lost: [], renamed: [], inboundLost: [], inboundDoubled: [], undecryptable: 0 })
  expect(verdict.answered200 + verdict.answered202).toBeGreaterThan(300)
  expect(Object.keys(records)).toHaveLength(1)
  expect(records["plain"]).toBeUndefined()
  expect(Object.values(records)[0]).toBeGreaterThan(1_000)
})

test("a sealed line goes on from Deno to Node and back", { timeout: 2 * MINUTES }, async () => {
  const env = { WHATSAPP_ENCRYPTION_KEY: "a passphrase of enough characters", WHATSAPP_ENCRYPT_MESSAGES: "true" }
  const stage = await openStage({ runtime: "deno", env })
  try {
    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company")
    const contact = await stage.phone("79001236003")
    const say = async (platform: Platform, message: string): Promise<void> => {
      const body = { companyId: company.id, phone: contact.number, message }
      expect((await platform.call("POST", "/api/whatsapp/send", body)).status).toBe(200)
      await contact.waitFor({ text: message })
    }
    await say(stage.platform, "sealed by Deno")
    await stage.platform.stop()
    const given = { ...stage.sandbox.env, ...env, WHATSAPP_SESSIONS_PATH: stage.folder }
    const node = await startPlatform({ runtime: "node", env: given })
    await connected(node, company, MINUTES)
    await say(node, "sealed by Node")
    await node.stop()
    await stage.start()
    await connected(stage.platform, company, MINUTES)
    await say(stage.platform, "by Deno again")
    const { body } = await stage.platform.call("GET", `/api/whatsapp/messages/${company.id}`)
    expect((body.data as { message: string }[]).map(({ message }) => message)).toEqual([
      "by Deno again",
      "sealed by Node",
      "sealed by Deno",
    ])
    await linkedOnce(stage)
  } finally {
    await stage.close()
  }
})
