import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { cureSessionCipher } from "./session-cure.ts"
import { createSignal } from "./signal.ts"

beforeAll(() => {
  console.info = console.warn = console.error = () => undefined
  vi.useFakeTimers({ toFake: ["Date"] })
})
afterAll(() => {
  vi.useRealTimers()
})

/** A message of a replaced session comes late, between two of the session that replaced it. */
async function lateMessage(): Promise<string> {
  const [ann, bob] = [createSignal("1"), createSignal("2")]
  const toBob = (text: string) => ann.encrypt("2:0", Buffer.from(text))
  const read = async ({ type, body }: { type: string; body: Buffer }): Promise<string> => {
    vi.advanceTimersByTime(1000)
    return (await bob.decrypt("1:0", type, body)).toString()
  }
  const answer = async (): Promise<void> => {
    const { type, body } = await bob.encrypt("1:0", Buffer.from("answer"))
    await ann.decrypt("2:0", type, body)
  }

  await ann.startSession("2:0", bob.bundle())
  await read(await toBob("opens the first session"))
  await answer()
  const late = await toBob("late")
  await ann.startSession("2:0", bob.bundle())
  await read(await toBob("opens the second session"))
  await answer()
  await read(await toBob("settles it"))
  expect(await read(late)).toBe("late")
  return read(await toBob("after the late one"))
}

test("as it comes, libsignal 6.0.0 cannot read the session any more after a late message of an older one", async () => {
  await expect(lateMessage()).rejects.toThrow("No matching sessions")
})

test("with the cure it can", async () => {
  cureSessionCipher()
  expect(await lateMessage()).toBe("after the late one")
})

test("a forged first message leaves the session as it was", async () => {
  const [ann, bob] = [createSignal("3"), createSignal("4")]
  await ann.startSession("4:0", bob.bundle())
  const first = await ann.encrypt("4:0", Buffer.from("first"))
  await bob.decrypt("3:0", first.type, first.body)
  const answer = await bob.encrypt("3:0", Buffer.from("answer"))
  await ann.decrypt("4:0", answer.type, answer.body)
  await ann.startSession("4:0", bob.bundle())
  const forged = await ann.encrypt("4:0", Buffer.from("forged"))
  const at = forged.body.length - 20
  forged.body.writeUInt8(forged.body.readUInt8(at) ^ 1, at)
  await expect(bob.decrypt("3:0", forged.type, forged.body)).rejects.toThrow()
  const reply = await bob.encrypt("3:0", Buffer.from("still readable"))
  expect((await ann.decrypt("4:0", reply.type, reply.body)).toString()).toBe("still readable")
})

test("a conversation of many more turns than sessions keep chains for stays readable", async () => {
  const [ann, bob] = [createSignal("5"), createSignal("6")]
  await ann.startSession("6:0", bob.bundle())
  for (let turn = 0; turn < 200; turn++) {
    const there = await ann.encrypt("6:0", Buffer.from(`there ${turn}`))
    expect((await bob.decrypt("5:0", there.type, there.body)).toString()).toBe(`there ${turn}`)
    const back = await bob.encrypt("5:0", Buffer.from(`back ${turn}`))
    expect((await ann.decrypt("6:0", back.type, back.body)).toString()).toBe(`back ${turn}`)
  }
})
