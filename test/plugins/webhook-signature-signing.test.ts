import { Webhook } from "standardwebhooks"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { DeliveryToSign } from "../../core/stages.ts"
import { bytesOf, openSigning, standardSignature } from "./webhook-signature-house.ts"

/** What goes out, as a receiver with the reference library of Standard Webhooks sees it. */

const NOW = Date.UTC(2026, 0, 1)
const NEW = `whsec_${Buffer.alloc(32, 1).toString("base64")}`
const OLD = `whsec_${Buffer.alloc(32, 2).toString("base64")}`
const BODY = JSON.stringify({ type: "alert.raised", data: { text: "перегрузка 😀" } })

async function headersFor(
  secrets: DeliveryToSign["secrets"],
  config: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  const { house } = await openSigning(config, { start: NOW })
  const timestamp = NOW / 1_000
  const given = { company: "acme", id: "evt_1", timestamp, body: bytesOf(BODY), secrets }
  const signed = await house.hooks.transform("webhook:sign", { "x-own": "1" }, given)
  await house.stop()
  return { ...signed, "webhook-id": "evt_1", "webhook-timestamp": String(timestamp) }
}

const takes = (secret: string, headers: Record<string, string>): boolean => {
  try {
    new Webhook(secret).verify(BODY, headers)
    return true
  } catch {
    return false
  }
}

describe("what is sent", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW }))
  afterAll(() => void vi.useRealTimers())

  it("is signed with the newest secret, and with the one before it as well while it changes", async () => {
    const headers = await headersFor([NEW, OLD])
    expect(headers["webhook-signature"]?.split(" ")).toHaveLength(2)
    expect(takes(NEW, headers)).toBe(true)
    expect(takes(OLD, headers)).toBe(true)
    expect(takes(`whsec_${Buffer.alloc(32, 3).toString("base64")}`, headers)).toBe(false)
    const after = await headersFor([NEW])
    expect(takes(OLD, after)).toBe(false)
    expect(after["x-own"]).toBe("1")
  })

  it("is signed with the server's secrets where it goes to the operator", async () => {
    const headers = await headersFor("server", { secret: NEW, secretOld: OLD })
    expect(takes(NEW, headers)).toBe(true)
    expect(takes(OLD, headers)).toBe(true)
  })

  it("can be verified in either reading of a secret without the prefix", async () => {
    const hex = "0123456789abcdef".repeat(4)
    const headers = await headersFor([hex])
    expect(takes(hex, headers)).toBe(true)
    expect(headers["webhook-signature"]).toContain(standardSignature(hex, "evt_1", NOW / 1_000, BODY))
    const word = await headersFor(["correct horse battery staple!"])
    expect(word["webhook-signature"]).toBe(
      standardSignature("correct horse battery staple!", "evt_1", NOW / 1_000, BODY),
    )
  })

  it("is what the plugin itself lets in", async () => {
    const { verify } = await openSigning({ secret: NEW }, { start: NOW })
    const headers = await headersFor([NEW])
    expect(await verify(BODY, Object.entries(headers))).toBe("standard-webhooks")
  })

  it.each([[[] as readonly string[]], ["server" as const]])("goes unsigned without a secret (%s)", async (secrets) => {
    const headers = await headersFor(secrets)
    expect(headers["webhook-signature"]).toBeUndefined()
  })

  it("does not go unsigned for a secret that cannot be read", async () => {
    await expect(headersFor(["whsec_!"])).rejects.toMatchObject({ code: "PLUGIN_FAULT" })
  })
})
