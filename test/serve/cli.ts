import { spawn } from "node:child_process"
import { text } from "node:stream/consumers"
import { root } from "../support/platform.ts"

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** Standard output as JSON. */
  json<T>(): T
}

/** `npm run companies` as a process of its own, as `npm run build` left it, with nothing of our environment. */
export async function companies(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const child = spawn(process.execPath, ["dist/core/serve/companies.js", ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, err, json: () => JSON.parse(out) as never }
}
