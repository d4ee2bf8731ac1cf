import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { rootOf } from "../../errors.ts"
import { CommandFailure } from "../companies/failure.ts"
import { paint, plainBlock, plainTrouble, screenLines } from "./frame.ts"
import type { Order } from "./ranking.ts"
import { openScreen } from "./screen.ts"
import type { Watch } from "./watch.ts"

export interface RunOptions {
  readonly intervalMs: number
  readonly once: boolean
  readonly json: boolean
  readonly order: Order
}

const CTRL_C = "\u0003"
const ORDER_KEYS: Readonly<Record<string, Order>> = { e: "errors", w: "queue", s: "silence" }
/** How often the age of what is shown is told anew. */
const TICK_MS = 1_000

/** Block after block on standard output, until somebody ends it; rejects when there is nobody to ask and `once` is on. */
export async function runPlain(watch: Watch, { intervalMs, once, json }: RunOptions): Promise<void> {
  const stop = new AbortController()
  // Whoever read on the other side has gone: `… | head`.
  process.stdout.on("error", () => stop.abort())
  for (let first = true; ; first = false) {
    const scene = await watch.look()
    const failure = watch.failure()
    if (failure !== undefined && once) {
      throw new CommandFailure(`No figures from ${scene.url}: ${failure.message}`, {
        code: failure.code,
        details: failure.cause === undefined ? [] : [rootOf(failure.cause)],
        remedy: "Is it the address of a running server? Name it with --url",
      })
    }
    if (json) {
      const said = failure === undefined ? scene.figures : { error: { code: failure.code, message: failure.message } }
      process.stdout.write(`${JSON.stringify(said)}\n`)
    } else if (failure === undefined) process.stdout.write(first ? plainBlock(scene) : `\n${plainBlock(scene)}`)
    else process.stdout.write(plainTrouble(scene))
    if (once) return
    await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => undefined)
    if (stop.signal.aborted) return
  }
}

/** On the whole terminal, until `q` or Ctrl-C. The terminal is as it was afterwards, whatever happens. */
export async function runScreen(watch: Watch, { intervalMs, order: first }: RunOptions): Promise<void> {
  const stop = new AbortController()
  const ended = aborted(stop.signal)
  let order = first
  const draw = (): void => {
    const lines = screenLines(watch.scene(), order, screen.size())
    screen.show(lines.map((line) => paint(line, colours)))
  }
  const colours = process.stdout.hasColors()
  const screen = openScreen({
    resize: draw,
    key(text) {
      if (text === "q" || text === "Q" || text === CTRL_C) return stop.abort()
      order = ORDER_KEYS[text.toLowerCase()] ?? order
      draw()
    },
  })
  const end = (): void => stop.abort()
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const
  for (const signal of signals) process.once(signal, end)
  process.stdout.on("error", end)
  const ticking = setInterval(draw, TICK_MS)
  try {
    draw()
    while (!stop.signal.aborted) {
      await Promise.race([watch.look(), ended])
      draw()
      if (stop.signal.aborted) break
      await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  } finally {
    clearInterval(ticking)
    for (const signal of signals) process.off(signal, end)
    screen.close()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
}
