import { createHash } from "node:crypto"
import type { Redis } from "ioredis"
import { isNoScript } from "./replies.ts"

export interface Script {
  readonly lua: string
  readonly sha: string
}

export type Argument = string | number | Buffer

export function createScript(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") }
}

/** Runs a script by its digest; the text goes along only to a server that does not know it. */
export async function runScript(
  client: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  try {
    return await client.call("EVALSHA", [sha, keys.length, ...keys, ...args])
  } catch (error) {
    if (!isNoScript(error)) throw error
    return client.call("EVAL", [lua, keys.length, ...keys, ...args])
  }
}
