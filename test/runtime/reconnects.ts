import { until } from "../support/platform.ts"
import { attach, type Holdings } from "./inspect.ts"
import { connected, openStage } from "./stage.ts"

export interface ReconnectFigures {
  readonly reconnects: number
  /** What the server held after a third, two thirds and all of the reconnects. */
  readonly thirds: readonly Holdings[]
  /** Heap gained per reconnect over the last two thirds, bytes. */
  readonly heapPerReconnect: number
}

const BACK_MS = 20_000
/** Deadlines of the last connection that are still running down. */
const SETTLE_MS = 35_000

/** Cuts one line again and again; what a connection leaves behind would add up. */
export async function runReconnects(reconnects: number, settleMs = SETTLE_MS): Promise<ReconnectFigures> {
  const stage = await openStage({ env: { WHATSAPP_RECONNECT_DELAY: "10" }, flags: ["--inspect=0", "--expose-gc"] })
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
      await company.line.cut()
      await company.line.waitFor({ loginsAccepted: loginsAccepted + i, connected: true }, BACK_MS)
      if (i % Math.ceil(reconnects / 3) === 0 || i === reconnects) {
        await connected(stage.platform, company, BACK_MS)
        thirds.push(await inspector.holdings())
      }
    }
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    thirds.push(await inspector.holdings())
    inspector.close()
    const [first, last] = [thirds[0], thirds.at(-1)]
    const gained = (last?.heap ?? 0) - (first?.heap ?? 0)
    return { reconnects, thirds, heapPerReconnect: gained / ((reconnects * 2) / 3) }
  } finally {
    await stage.close()
  }
}
