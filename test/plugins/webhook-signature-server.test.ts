import { spawnSync } from "node:child_process"
import { createHmac } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { SandboxLine } from "../sandbox/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { root, until } from "../support/platform.ts"
import { connected, dataOf, linkCompany, openStage, type Stage } from "../runtime/stage.ts"

/** Signed calls to the server as a process of its own: the examples of the README as they stand there, and a kill. */

const MINUTES = 60_000
const CONTACT = "79001234567"
const COMPANY = "salon-1"

interface Example {
  readonly language: string
  /** As the code block is marked. */
  readonly mark: string
  readonly file: string
  readonly command: readonly [string, ...string[]]
  /** Programs it needs, each with the Debian package that has it. */
  readonly needs: Readonly<Record<string, string>>
  readonly says: string
}

const tsx = join(root, "node_modules/.bin/tsx")
const examples: readonly Example[] = [
  {
    language: "curl and openssl",
    mark: "bash",
    file: "call.sh",
    command: ["bash"],
    needs: { bash: "bash", curl: "curl", openssl: "openssl" },
    says: "Hello from the shell",
  },
  { language: "TypeScript", mark: "ts", file: "call.mts", command: [tsx], needs: {}, says: "Hello from TypeScript" },
  {
    language: "Python",
    mark: "python",
    file: "call.py",
    command: ["python3"],
    needs: { python3: "python3" },
    says: "Hello from Python",
  },
  {
    language: "PHP",
    mark: "php",
    file: "call.php",
    command: ["php"],
    needs: { php: "php-cli" },
    says: "Hello from PHP",
  },
]

const missingOf = ({ needs }: Example): string[] =>
  Object.entries(needs).flatMap(([program, debian]) =>
    spawnSync("sh", ["-c", 'command -v "$0"', program]).status === 0 ? [] : [debian],
  )

/** The code block of the section that is marked so and signs. */
async function codeOf({ mark }: Example): Promise<string> {
  const readme = await readFile(join(root, "README.md"), "utf8")
  const section = readme.split(/^## /m).find((part) => part.startsWith("Signed calls from other systems\n")) ?? ""
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, found]) => found === mark)
  expect([mark, blocks.length]).toEqual([mark, 1])
  return blocks[0]?.[2] ?? ""
}

describe("signed calls to a server", () => {
  let stage: Stage
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let line: SandboxLine
  let secret = ""
  const path = `/api/whatsapp/webhooks/${COMPANY}`

  beforeAll(async () => {
    folder = await temporaryFolder()
    stage = await openStage()
    line = (await linkCompany(stage, COMPANY, "4915112346000")).line
    const made = await stage.platform.call("POST", `/api/whatsapp/companies/${COMPANY}/webhook-secret`)
    if (made.status !== 201) throw new Error(`no secret was made: ${made.status}`)
    secret = dataOf<{ secret: string }>(made).secret
  }, 3 * MINUTES)
  afterAll(async () => {
    await stage.close()
    await folder.remove()
  })

  const sign = (id: string, stamp: string, body: string): string => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64")
    return createHmac("sha256", key).update(`${id}.${stamp}.${body}`).digest("base64")
  }

  const run = async (example: Example, env: Readonly<Record<string, string>>) => {
    const file = join(folder.path, example.file)
    await writeFile(file, await codeOf(example))
    const [program, ...args] = example.command
    const { PATH, HOME } = process.env
    return spawnSync(program, [...args, file], { env: { PATH, HOME, ...env }, encoding: "utf8", timeout: MINUTES })
  }

  for (const example of examples) {
    const missing = missingOf(example)
    const note = missing.length === 0 ? "" : ` (skipped: install the Debian packages ${missing.join(", ")})`
    it.skipIf(missing.length > 0)(
      `${example.language}: what it sends arrives${note}`,
      { timeout: 2 * MINUTES },
      async () => {
        const phone = await stage.phone(CONTACT)
        const { stdout, stderr } = await run(example, { SWITCHBOARD: stage.platform.url, WEBHOOK_SECRET: secret })
        expect(`${stdout}${stderr}`).toContain('"success":true')
        expect(`${stdout}${stderr}`).toContain('"status":"sent"')
        expect(await phone.waitFor({ text: example.says }, 20_000)).toMatchObject({ text: example.says })

        const wrong = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
        const refused = await run(example, { SWITCHBOARD: stage.platform.url, WEBHOOK_SECRET: wrong })
        expect(`${refused.stdout}${refused.stderr}`).toMatch(/INVALID_SIGNATURE|401/)
        expect(await phone.messages({ text: example.says })).toHaveLength(1)
      },
    )
  }

  it("each language has one, and each is run", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8")
    const section = readme.split(/^## /m).find((part) => part.startsWith("Signed calls from other systems\n")) ?? ""
    const marks = [...section.matchAll(/^```(\w+)$/gm)].map(([, mark]) => mark).filter((mark) => mark !== "sh")
    expect(marks).toEqual(examples.map(({ mark }) => mark))
  })

  it("a header that stands there twice on the wire refuses the call; the log has no secret, signature or text", async () => {
    const body = JSON.stringify({ type: "message.send", data: { phone: CONTACT, message: "a canary in the text" } })
    const stamp = String(Math.floor(Date.now() / 1_000))
    const mac = sign("wire", stamp, body)
    const post = (twice?: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers: Record<string, string | string[]> = {
          "content-type": "application/json",
          "webhook-id": "wire",
          "webhook-timestamp": stamp,
          "webhook-signature": `v1,${mac}`,
        }
        if (twice !== undefined) headers[twice] = [String(headers[twice]), String(headers[twice])]
        const call = request(`${stage.platform.url}${path}`, { method: "POST", headers }, (answer) => {
          answer.resume()
          answer.once("end", () => resolve(answer.statusCode ?? 0))
        })
        call.once("error", reject)
        // In pieces, without a length.
        call.write(body.slice(0, 10))
        call.end(body.slice(10))
      })
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) expect(await post(name)).toBe(401)
    expect(await post()).toBe(200)
    const log = stage.platform.tail().join("\n")
    expect(log).toContain("/api/whatsapp/webhooks/")
    for (const word of [secret.slice("whsec_".length), mac, "a canary in the text"]) expect(log).not.toContain(word)
  })

  it("a call whose answer a kill cut off is known after the restart, and its message arrives once", {
    timeout: 2 * MINUTES,
  }, async () => {
    const text = "sent before the kill"
    const body = JSON.stringify({ type: "message.send", data: { phone: CONTACT, message: text } })
    const post = async () => {
      const stamp = String(Math.floor(Date.now() / 1_000))
      const answer = await fetch(`${stage.platform.url}${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "webhook-id": "cut_off",
          "webhook-timestamp": stamp,
          "webhook-signature": `v1,${sign("cut_off", stamp, body)}`,
        },
        body,
      })
      return { status: answer.status, ...((await answer.json()) as { data: Record<string, unknown> }) }
    }
    const phone = await stage.phone(CONTACT)
    // WhatsApp says nothing any more, so that the answer waits; the message is stored by then.
    await line.mute()
    const first = post().then(
      () => "answered",
      () => "cut off",
    )
    const messageId = await until("the message is stored", 20_000, async () => {
      const list = await stage.platform.call("GET", `/api/whatsapp/messages/${COMPANY}?status=queued`)
      return dataOf<{ messageId: string; message: string }[]>(list).find(({ message }) => message === text)?.messageId
    })
    await stage.platform.kill()
    expect(await first).toBe("cut off")

    await stage.start()
    await connected(stage.platform, { id: COMPANY }, MINUTES)
    expect(await post()).toMatchObject({ status: 200, data: { repeated: true, type: "message.send", messageId } })
    await phone.waitFor({ text }, 20_000)
    expect(await post()).toMatchObject({ status: 200, data: { repeated: true } })
    expect((await phone.messages({ text })).map(({ id }) => id)).toEqual([messageId])
  })
})
