import { until } from "../support/platform.ts"
import { attach, type Holdings, type Inspector } from "./inspect.ts"
import { connected, openStage, wait } from "./stage.ts"

export interface ReconnectFigures {
  readonly reconnects: number
  /** What the server held after a third, two thirds and all of the reconnects, and at the end once more. */
  readonly thirds: readonly Holdings[]
  /** Heap gained per reconnect over the last two thirds, bytes. */
  readonly heapPerReconnect: number
}

const BACK_MS = 20_000

/**
 * Connects one line again and again: one time it is cut and started anew, the other time it is closed by us. What a
 * connection leaves behind would add up.
 */
export async function runReconnects(reconnects: number, settleMs = 65_000): Promise<ReconnectFigures> {
  const stage = await openStage({ flags: ["--inspect=0", "--expose-gc"] })
  try {
    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company")
    const url = await until("the debugger's address", 5_000, async () =>
      stage.platform
        .tail()
        .map((line) => /Debugger listening on (ws:\S+)/.exec(line)?.[1])
        .find((found) => found !== undefined),
    )
    const inspector = await attach(url)
    const thirds: Holdings[] = []
    const { loginsAccepted } = await company.line.view()
    for (let i = 1; i <= reconnects; i++) {
      if (i % 2 === 0) {
        await company.line.cut()
        await company.line.waitFor({ connected: false }, BACK_MS)
      }
      // A line that is cut over and over waits longer each time; whoever asks for it has it at once.
      await stage.platform.call("POST", `/api/whatsapp/sessions/${company.id}/restart`, {})
      await company.line.waitFor({ loginsAccepted: loginsAccepted + i, connected: true }, BACK_MS)
      if (i % Math.ceil(reconnects / 3) === 0 || i === reconnects) {
        await connected(stage.platform, company, BACK_MS)
        thirds.push(await inspector.holdings())
      }
    }
    thirds.push(await settled(inspector, thirds[0], settleMs))
    inspector.close()
    const [first, last] = [thirds[0], thirds.at(-1)]
    const gained = (last?.heap ?? 0) - (first?.heap ?? 0)
    return { reconnects, thirds, heapPerReconnect: gained / ((reconnects * 2) / 3) }
  } finally {
    await stage.close()
  }
}

const POLL_MS = 500

/** What is held once the deadlines of the last connections have run down, or after `ms`. */
async function settled(inspector: Inspector, before: Holdings | undefined, ms: number): Promise<Holdings> {
  const end = performance.now() + ms
  for (;;) {
    const now = await inspector.holdings()
    const calm = before === undefined || (now.timers <= before.timers && now.listeners <= before.listeners)
    if (calm || performance.now() > end) return now
    await wait(POLL_MS)
  }
}
