import { afterAll, beforeAll, expect, it } from "vitest"
import { until } from "../support/platform.ts"
import { dataOf, openStage, type Stage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

interface Progress {
  readonly batchId: string
  readonly accepted: number
  readonly counts: Readonly<Record<string, number>>
  readonly done: boolean
}

it("a batch that a kill cuts short goes on where it was, and all of it arrives", async () => {
  const [company] = await stage.link(1)
  if (company === undefined) throw new Error("no company was linked")
  const phones = await Promise.all(["4915112349101", "4915112349102", "4915112349103"].map((one) => stage.phone(one)))
  const messages = Array.from({ length: 300 }, (_, index) => ({
    phone: phones[index % phones.length]?.number,
    message: `batch ${index}`,
  }))
  const answer = await stage.platform.call("POST", "/api/whatsapp/send/batch", { companyId: company.id, messages })
  expect(answer.status).toBe(202)
  const { batchId, accepted } = dataOf<Progress>(answer)
  expect(accepted).toBe(300)

  await until("some of it has gone", 20_000, async () => ((await company.line.view()).acks > 5 ? true : undefined))
  await stage.platform.kill()
  const cutShort = (await company.line.view()).messageIds
  expect(cutShort).toBeLessThan(300)

  await stage.start()
  const path = `/api/whatsapp/send/batch/${batchId}`
  const told = await until("it is done", 30_000, async () => {
    const progress = dataOf<Progress>(await stage.platform.call("GET", path))
    return progress.done ? progress : undefined
  })
  expect(told.counts).toMatchObject({ queued: 0, failed: 0, unknown: 0 })
  expect((await company.line.view()).messageIds).toBe(300)
  const stopped = dataOf<{ stopped: number }>(await stage.platform.call("DELETE", path))
  expect(stopped.stopped).toBe(0)
}, 90_000)
