import { createHash } from "node:crypto"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { type Platform, startPlatform } from "../support/platform.ts"

const ROUNDS = 5
const ROWS = 4_000
const COMPANIES = "/api/whatsapp/companies"

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: Platform

const start = async (): Promise<void> => {
  const env = {
    WHATSAPP_SESSIONS_PATH: folder.path,
    WHATSAPP_SOCKET_URL: "ws://127.0.0.1:1",
    WHATSAPP_LOG_LEVEL: "info",
  }
  server = await startPlatform({ compiled: true, env: { ...env, WHATSAPP_CLEANUP_INTERVAL: "1000" } })
}

beforeEach(async () => {
  folder = await temporaryFolder()
  await start()
})

afterEach(async () => {
  await server.kill()
  await folder.remove()
})

/** An export of a company with much in it, in the ledger and in its store. */
function bigExport(companyId: string): string {
  const lines = [
    { kind: "header", format: "switchboard-export", version: 1, companyId, provider: "baileys", credentials: true },
    ...Array.from({ length: 500 }, (_, at) => ({ kind: "auth", type: "lid-mapping", id: `${at}`, bytes: "AQ==" })),
    { kind: "row", table: "company", key: "settings", value: { name: companyId, proxy: null } },
    ...Array.from({ length: ROWS }, (_, at) => ({
      kind: "row",
      table: "wire",
      key: `w${at}`,
      bytes: "AAECAwQFBgcICQ==",
    })),
  ]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("")
  const sha256 = createHash("sha256").update(text).digest("hex")
  return `${text}${JSON.stringify({ kind: "end", lines: lines.length, counts: {}, sha256 })}\n`
}

async function restore(company: string): Promise<void> {
  const answer = await fetch(`${server.url}${COMPANIES}/${company}/import`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: bigExport(company),
  })
  expect([answer.status, answer.ok ? "" : await answer.text()]).toEqual([200, ""])
}

async function digestOf(company: string): Promise<string | undefined> {
  const answer = await fetch(`${server.url}${COMPANIES}/${company}/export?credentials=true`)
  if (answer.status === 404) return undefined
  const lines = (await answer.text()).split("\n").filter((line) => /"kind":"(?:auth|row)"/.test(line))
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex")
}

/** Gone without a trace, or what there is once every erasure that was on record has had its time. */
async function outcome(): Promise<string | undefined> {
  const isGone = async (): Promise<boolean> => {
    const folders: readonly string[] = await readdir(join(folder.path, "auth"))
    return !folders.includes("acme") && (await server.call("GET", `${COMPANIES}/acme`)).status === 404
  }
  for (let look = 0; look < 15; look++) {
    if (await isGone()) return "gone"
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return digestOf("acme")
}

test("a process that is killed while it erases a company has erased it or not begun, and touched no other", {
  timeout: 180_000,
}, async () => {
  await restore("other")
  const other = await digestOf("other")
  await restore("acme")
  const whole = await digestOf("acme")
  const begun = performance.now()
  expect((await server.call("DELETE", `${COMPANIES}/acme`)).status).toBe(200)
  const takes = performance.now() - begun
  let unanswered = 0
  let gone = 0
  for (let round = 0; round < ROUNDS; round++) {
    await restore("acme")
    const answered = server.call("DELETE", `${COMPANIES}/acme`).then(
      () => true,
      () => false,
    )
    await new Promise((resolve) => setTimeout(resolve, Math.random() * takes * 0.7))
    await server.kill()
    if (!(await answered)) unanswered++
    await start()
    // What is left to do is done soon after the start: a company that is still there then has not been touched.
    const after = await outcome()
    if (after === "gone") gone++
    else expect(after).toBe(whole)
    expect(await digestOf("other")).toBe(other)
    if (after !== "gone") expect((await server.call("DELETE", `${COMPANIES}/acme`)).status).toBe(200)
    expect((await server.call("GET", `${COMPANIES}/acme`)).status).toBe(404)
  }
  expect(unanswered).toBeGreaterThanOrEqual(Math.ceil(ROUNDS / 2))
  expect(gone).toBeGreaterThan(0)
})
