import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { holdUntilDurable } from "../../adapters/provider/baileys/write-barrier.ts"
import { startSandbox, type Sandbox } from "../sandbox/index.ts"
import { createTestLine, realClock } from "./support.ts"

/** Answers of a socket and a store that are given by hand. */
function parts() {
  const left: number[] = []
  const told: (string | undefined)[] = []
  let staged = 0
  let written = 0
  let settle: (error?: Error) => void = () => undefined
  const socket = {
    send(frame: Uint8Array, sent?: (error?: Error) => void): void {
      left.push(frame[0] ?? 0)
      sent?.()
    },
  }
  holdUntilDurable(socket, {
    dirty: () => staged > written,
    durable() {
      const wanted = staged
      return new Promise((resolve, reject) => {
        settle = (error) => {
          if (error) return reject(error)
          written = wanted
          resolve()
        }
      })
    },
  })
  return {
    left,
    told,
    send: (frame: number) => socket.send(Uint8Array.of(frame), (error) => told.push(error?.message)),
    stage: () => void staged++,
    /** What was staged when the store was last asked is written, or never will be. */
    async write(error?: Error) {
      settle(error)
      await realClock.sleep(0)
    },
  }
}

describe("a frame", () => {
  let line: ReturnType<typeof parts>
  beforeEach(() => {
    line = parts()
  })

  test("leaves at once when nothing is staged", () => {
    line.send(1)
    expect(line.left).toEqual([1])
  })

  test("waits for what was staged before it", async () => {
    line.stage()
    line.send(1)
    await realClock.sleep(5)
    expect(line.left).toEqual([])
    await line.write()
    expect(line.left).toEqual([1])
    expect(line.told).toEqual([undefined])
  })

  test("stays behind one that waits, whatever it carries itself", async () => {
    line.stage()
    line.send(1)
    line.send(2)
    await line.write()
    line.send(3)
    expect(line.left).toEqual([1, 2, 3])
  })

  test("that came while others were waiting waits for what was staged since", async () => {
    line.stage()
    line.send(1)
    await realClock.sleep(0)
    line.stage()
    line.send(2)
    await line.write()
    expect(line.left).toEqual([1])
    await line.write()
    expect(line.left).toEqual([1, 2])
  })

  test("never leaves when the line ends with its store, and its sender is told", async () => {
    line.stage()
    line.send(1)
    await realClock.sleep(0)
    line.send(2)
    await line.write(new Error("the store is gone"))
    expect(line.left).toEqual([])
    expect(line.told).toEqual(["the store is gone", "the store is gone"])
  })
})

describe("a line", () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.stop())

  test("writes nothing to WhatsApp that its store has not taken, and many messages with one commit", async () => {
    const company = await sandbox.phone("15559001")
    const contacts = await Promise.all(Array.from({ length: 8 }, (_, index) => sandbox.phone(String(15559002 + index))))
    const line = createTestLine({ sandbox, company: company.number })
    await line.link(company)
    for (const contact of contacts) await line.send(contact.number, "first")

    const { messages } = await sandbox.line(company.number).view()
    const saves = line.store.saves
    line.store.hang()
    const outcomes = Array.from({ length: 40 }, (_, index) =>
      line.send(contacts[index % contacts.length]?.number ?? "", `text ${index}`),
    )
    await realClock.sleep(300)
    expect((await sandbox.line(company.number).view()).messages).toBe(messages)

    line.store.release()
    expect((await Promise.all(outcomes)).every(({ outcome }) => outcome === "acknowledged")).toBe(true)
    expect((await sandbox.line(company.number).view()).messages).toBe(messages + 40)
    expect(line.store.saves - saves).toBeLessThan(10)
    await line.close()
  }, 30_000)
})
