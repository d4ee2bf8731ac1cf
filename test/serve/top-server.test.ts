import { spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createNodeListen } from "../../core/serve/listen-node.ts"
import type { Listener } from "../../core/listen.ts"
import { ADMIN_KEY } from "../http/everything.ts"
import { acknowledged } from "../support/fake-provider.ts"
import { temporaryFolder } from "../support/folder.ts"
import { root } from "../support/platform.ts"
import { type ClientHouse, openClientHouse } from "./client-house.ts"
import { onTerminal, type Shown, type Step } from "./terminal.ts"

/** The live view as a process of its own, as `npm run build` left it, against a whole server on a real port. */

const PROGRAM = "dist/core/serve/top.js"
const TIMEOUT = 90_000
const ENTER = "\u001b[?1049h"
const LEAVE = "\u001b[?1049l"
const SHOW_CURSOR = "\u001b[?25h"

let house: ClientHouse
let listener: Listener
const serve = (port: number): Promise<Listener> =>
  createNodeListen()({ host: "127.0.0.1", port, fetch: house.everything.app.fetch })

beforeAll(async () => {
  house = await openClientHouse()
  listener = await serve(0)
  await house.link("salon-1")
  await house.client().sessions.initialize("salon-9")
})
afterAll(async () => {
  await listener.close()
  await house.stop()
})

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Without a terminal. `until`: what ends it as soon as it is on standard output. */
async function top(args: readonly string[], env: Record<string, string> = {}, until?: (out: string) => boolean) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, WHATSAPP_API_KEY: ADMIN_KEY, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let seen = ""
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString()
    if (until?.(seen) === true) child.kill("SIGTERM")
  })
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, err } satisfies Ran
}

describe("npm run top, where there is no terminal", () => {
  it("writes one block of plain text, or one line of JSON, and ends", { timeout: TIMEOUT }, async () => {
    const sent = await house.client().sendMessage("79001234567", "Good morning", { companyId: "salon-1" })
    expect(sent.status).toBe("sent")
    const { provider } = house.everything
    const policy = provider.policy
    provider.policy = () => "hold"
    for (const message of ["Wait", "here"])
      await house.client().sendMessage("79001234567", message, { companyId: "salon-1", respondAsync: true })
    const { code, out, err } = await top(["--once", "--url", listener.url])
    provider.policy = policy
    for (const id of provider.line("salon-1").held) provider.line("salon-1").answer(id, acknowledged(Date.now()))
    expect([code, err]).toEqual([0, ""])
    expect(out).not.toContain("\u001b")
    expect(out).toMatch(/^Switchboard http:\/\/127\.0\.0\.1:\d+ {2}(healthy|degraded) {2}up /)
    expect(out).toMatch(/^Lines {6}2 {2}connected 1 {2}qr 1$/m)
    expect(out).toMatch(/^Messages {3}sent 1 \(–\/min\) {2}received 0 \(–\/min\)/m)
    expect(out).toMatch(/^Latency {4}p50 .* of 1 sends$/m)
    expect(out).toMatch(/^Queue {6}2 waiting, the oldest for \d/m)
    expect(out).toMatch(/^By queue {3}salon-1 2$/m)
    expect(out).toMatch(/^Process {4}memory \d+ MB/m)
    const folder = await temporaryFolder()
    const file = join(folder.path, "key")
    await writeFile(file, `${ADMIN_KEY}\n`)
    const here = { WHATSAPP_API_KEY: "", WHATSAPP_API_KEY_FILE: file, PORT: new URL(listener.url).port }
    const json = await top(["--once", "--json"], here)
    await folder.remove()
    expect(JSON.parse(json.out)).toMatchObject({ totals: { sent: 3 }, states: { connected: 1, qr: 1 } })
  })

  it("goes on while the server is away, says so, and shows it again when it is back", {
    timeout: TIMEOUT,
  }, async () => {
    const port = Number(new URL(listener.url).port)
    let step = 0
    const changing: Promise<unknown>[] = []
    const { out, err } = await top(["--interval", "0.2", "--url", listener.url], {}, (seen) => {
      const blocks = seen.split("Switchboard http").length - 1
      if (step === 0 && blocks >= 2) {
        step = 1
        changing.push(listener.close())
      } else if (step === 1 && seen.includes("No figures: The server could not be reached")) {
        step = 2
        changing.push(
          serve(port).then((again) => {
            listener = again
          }),
        )
      } else if (step === 2 && seen.lastIndexOf("Switchboard http") > seen.lastIndexOf("No figures")) return true
      return false
    })
    await Promise.all(changing)
    expect(err).toBe("")
    expect(out).toMatch(/^\d\d:\d\d:\d\d No figures: .*; the last figures are of \d\d:\d\d:\d\d$/m)
  })

  it("ends with one clear sentence when the key is wrong, nobody is there, or it is asked wrongly", {
    timeout: TIMEOUT,
  }, async () => {
    const key = await top(["--url", listener.url], { WHATSAPP_API_KEY: "another-key-of-24-characters" })
    expect([key.code, key.out]).toEqual([1, ""])
    expect(key.err).toMatch(/\(UNAUTHORIZED\)\nSet WHATSAPP_API_KEY to the key that the server has\n$/)
    const made = await house.everything.call("POST", "/api/whatsapp/companies/salon-1/keys", {
      name: "reader",
      scopes: ["read"],
    })
    const own = String(made.json.data.key)
    const company = await top(["--url", listener.url], { WHATSAPP_API_KEY: own })
    expect([company.code, company.err]).toEqual([1, expect.stringContaining("This needs the admin key")])
    expect(company.err).not.toContain(own)
    const nobody = await top(["--once"], { PORT: "1" })
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining("No figures from http://127.0.0.1:1")])
    const odd = await top(["--sort", "size"])
    expect([odd.code, odd.err]).toEqual([2, expect.stringContaining("expected one of errors, queue, silence")])
  })
})

describe("npm run top, on a terminal", () => {
  const run = (
    steps: readonly Step[],
    more: { args?: string[]; env?: Record<string, string>; size?: [number, number] },
  ) =>
    onTerminal([process.execPath, PROGRAM, "--url", listener.url, "--interval", "0.3", ...(more.args ?? [])], {
      steps,
      env: { WHATSAPP_API_KEY: ADMIN_KEY, ...more.env },
      size: more.size ?? [80, 24],
    })

  /** What was shown, screen by screen, without colours. */
  const frames = ({ output }: Shown): string[][] =>
    output
      .split("\u001b[H")
      .slice(1)
      .map((screen) =>
        (screen.split("\u001b[J")[0] ?? "")
          .split("\n")
          // The terminal turns each line's end into one of its own.
          .map((line) => line.replaceAll(/\p{Cc}\[[\d;]*[mK]|\r/gu, "")),
      )

  const expectRestored = (shown: Shown): void => {
    expect(shown.raw).toBe(true)
    expect(shown.restored).toBe(true)
    expect(shown.output.split(ENTER)).toHaveLength(2)
    expect(shown.output.split(LEAVE)).toHaveLength(2)
    expect(shown.output.lastIndexOf(LEAVE)).toBeGreaterThan(shown.output.lastIndexOf("\u001b[H"))
    expect(shown.output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.output.lastIndexOf("\u001b[?25l"))
  }

  it("fills it, sorts by keys, follows its size, and gives it back at q", { timeout: TIMEOUT }, async () => {
    const shown = await run(
      [
        { wait: "connected 1", send: "s" },
        { wait: "(by silence)", size: [40, 10] },
        { wait: "q quit   e errors   w waiting   s silen…", send: "q" },
      ],
      {},
    )
    expect(shown.code).toBe(0)
    expectRestored(shown)
    const screens = frames(shown)
    expect(screens[0]).toHaveLength(24)
    const last = screens.at(-1) ?? []
    expect(last).toHaveLength(10)
    expect(last.filter((line) => line.length > 40)).toEqual([])
    expect(screens.flat().join("\n")).toMatch(/^salon-1 +connected /m)
    expect(shown.output).toContain("\u001b[32m")
  })

  it.each([
    ["Ctrl-C", { send: "\u0003" }],
    ["SIGTERM", { signal: 15 }],
  ])("gives it back at %s", { timeout: TIMEOUT }, async (_, ending) => {
    const shown = await run([{ wait: "connected 1", ...ending }], { env: { NO_COLOR: "1" } })
    expect(shown.code).toBe(0)
    expectRestored(shown)
    expect(shown.output).not.toMatch(/\p{Cc}\[\d+m/u)
  })

  it("gives it back before it says that the key is wrong", { timeout: TIMEOUT }, async () => {
    const shown = await run([{ wait: ENTER }], { env: { WHATSAPP_API_KEY: "another-key-of-24-characters" } })
    expect(shown.code).toBe(1)
    expect(shown.restored).toBe(true)
    expect(shown.output.indexOf("UNAUTHORIZED")).toBeGreaterThan(shown.output.indexOf(LEAVE))
  })
})
