import { strict as assert } from "node:assert"
import type { Sandbox, SandboxPhone } from "../sandbox/index.ts"
import type { Answer, Platform } from "../support/platform.ts"

/** Link, send, receive, kill, resume: what a company lives through, each step checked against what WhatsApp saw. */

export interface ScenarioOptions {
  readonly sandbox: Sandbox
  /** Starts the server on the same data folder, again after a kill. */
  start(): Promise<Platform>
  /** Told of each step when it is done. */
  step(what: string, ms: number): void
  /** Shown as it is: the QR code drawn in text. */
  show(text: string): void
}

export interface ScenarioEnd {
  readonly platform: Platform
  readonly companies: readonly Company[]
  readonly contact: SandboxPhone
}

export interface Company {
  readonly id: string
  readonly number: string
  readonly phone: SandboxPhone
}

const CONTACT = "79001234567"

/** Runs all steps; rejects at the first that is not as it should be. The server of the last step is left running. */
export async function runScenario({ sandbox, start, step, show }: ScenarioOptions): Promise<ScenarioEnd> {
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now()
    const result = await work()
    step(what, performance.now() - begun)
    return result
  }

  const contact = await sandbox.phone(CONTACT, { name: "Anna" })
  const companies: Company[] = []
  for (const [id, number] of [
    ["salon-1", "4915112345601"],
    ["clinic-2", "4915112345602"],
  ] as const) {
    companies.push({ id, number, phone: await sandbox.phone(number, { name: id }) })
  }

  let platform = await timed("the server is up", start)

  for (const company of companies) {
    const qr = await timed(`${company.id}: shows its QR code`, () => qrOf(platform, company, show))
    await timed(`${company.id}: its phone scans the code, the line is connected`, async () => {
      await company.phone.link(qr)
      await sandbox.line(company.number).waitFor({ connected: true })
      await connected(platform, company, 30_000)
    })
  }

  for (const company of companies) {
    await timed(`${company.id}: sends, WhatsApp acknowledges, Anna reads it`, async () => {
      const text = `Your appointment at ${company.id} is tomorrow at ten`
      const sent = await send(platform, company, text)
      assert.equal(sent.status, 200, JSON.stringify(sent.body))
      const seen = await contact.waitFor({ text })
      assert.equal(seen.id, dataOf(sent).messageId, "the id on the wire is the id in the answer")
    })
    await timed(`${company.id}: Anna answers, the answer is stored`, async () => {
      const text = `I will be there, ${company.id}`
      await contact.send(company.number, text)
      await listed(platform, company, text)
    })
  }

  await timed("kill -9, and up again", async () => {
    await platform.kill()
    platform = await start()
  })

  for (const company of companies) {
    await timed(`${company.id}: back by itself, no new scan`, async () => {
      await connected(platform, company, 30_000)
      const { devices } = await sandbox.line(company.number).view()
      assert.deepEqual([devices.length, devices[0]?.id], [1, 1], "the line was linked once only")
    })
    await timed(`${company.id}: sends and receives as before`, async () => {
      const text = `Still here, ${company.id}`
      assert.equal((await send(platform, company, text)).status, 200)
      await contact.waitFor({ text })
      await contact.send(company.number, `Good to hear, ${company.id}`)
      await listed(platform, company, `Good to hear, ${company.id}`)
      await listed(platform, company, `I will be there, ${company.id}`)
    })
    const { undecryptable } = await contact.view().then((view) => view.counts)
    assert.equal(undecryptable, 0, "Anna could read everything at once")
  }
  return { platform, companies, contact }
}

async function qrOf(platform: Platform, company: Company, show: (text: string) => void): Promise<string> {
  const begun = await platform.call("POST", `/api/whatsapp/sessions/${company.id}/initialize`, {})
  assert.equal(begun.status, 200, JSON.stringify(begun.body))
  const drawn = await platform.call("GET", `/api/whatsapp/sessions/${company.id}/qr`, undefined, {
    accept: "text/plain",
  })
  show(String(drawn.body.text))
  return String(dataOf(begun).qr)
}

async function connected(platform: Platform, company: Company, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answer = await platform.call("GET", `/api/whatsapp/sessions/${company.id}`)
    if (dataOf(answer).connected === true) return
    if (performance.now() > end) throw new Error(`${company.id} is not connected: ${JSON.stringify(answer.body)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const send = (platform: Platform, company: Company, message: string): Promise<Answer> =>
  platform.call("POST", "/api/whatsapp/send", { companyId: company.id, phone: CONTACT, message })

async function listed(platform: Platform, company: Company, text: string): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    const answer = await platform.call("GET", `/api/whatsapp/messages/${company.id}?direction=inbound`)
    const rows = answer.body.data as readonly { readonly message: string }[]
    if (rows.some((row) => row.message === text)) return
    if (performance.now() > end) throw new Error(`"${text}" did not arrive at ${company.id}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const dataOf = (answer: Answer): Record<string, unknown> => answer.body.data as Record<string, unknown>
