import { spawn } from "node:child_process"
import { once } from "node:events"
import process from "node:process"
import { figure, type Figure } from "./figures.ts"
import { launch, root } from "./launch.ts"
import type { Run } from "./run.ts"

const BAR = 3

/** From the spawn of the process to its first answer, on an empty data folder, against a process that only imports Baileys. */
export async function measureStart(run: Run): Promise<Figure[]> {
  const { startRounds, flags } = run.options
  const ours: number[] = []
  const bare: number[] = []
  // The first of each fills the disk cache and is not counted.
  for (let round = 0; round <= startRounds; round++) {
    const served = await timeOurs(run.folder(), flags)
    const imported = await timeImport(flags)
    if (round === 0) continue
    ours.push(served)
    bare.push(imported)
  }
  return [
    figure({
      name: "start to first answer",
      unit: "ms",
      against: "a bare import of Baileys",
      ours,
      reference: bare,
      bar: { kind: "most", value: BAR },
    }),
  ]
}

async function timeOurs(folder: string, flags: readonly string[]): Promise<number> {
  const begun = performance.now()
  const env = { PORT: "0", WHATSAPP_SESSIONS_PATH: folder }
  const started = await launch({ args: [...flags, "dist/core/serve/node.js"], env })
  const { status } = await fetch(`${started.url}/healthz`)
  const elapsed = performance.now() - begun
  await started.stop()
  if (status !== 200) throw new Error(`/healthz answered ${status}`)
  return elapsed
}

async function timeImport(flags: readonly string[]): Promise<number> {
  const script = 'await import("@whiskeysockets/baileys"); process.stdout.write("ready")'
  const begun = performance.now()
  const child = spawn(process.execPath, [...flags, "--input-type=module", "--eval", script], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  })
  const ended = once(child, "exit")
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => Promise.reject(new Error("The import ended without a word."))),
  ])
  const elapsed = performance.now() - begun
  await ended
  return elapsed
}
