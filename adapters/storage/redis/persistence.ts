import type { Redis } from "ioredis"
import { isReply } from "./replies.ts"

/** One sentence for each way in which the server is set up to lose what was acknowledged. */
export async function persistenceWarnings(client: Redis): Promise<string[]> {
  const settings = new Map<string, string>()
  try {
    for (const pattern of ["append*", "maxmemory*", "save"]) {
      const pairs = (await client.call("CONFIG", ["GET", pattern])) as string[]
      for (let at = 0; at + 1 < pairs.length; at += 2) settings.set(pairs[at] ?? "", pairs[at + 1] ?? "")
    }
  } catch (error) {
    if (!isReply(error)) throw error
    return [
      "whether Redis keeps its data could not be checked, since CONFIG GET is not permitted: see that appendonly is yes and maxmemory-policy noeviction",
    ]
  }

  const warnings: string[] = []
  const appendOnly = settings.get("appendonly")
  const appendSync = settings.get("appendfsync")
  if (appendOnly === "no" && settings.get("save") === "") {
    warnings.push(
      "appendonly is off and there are no snapshots: a restart of Redis loses every line, and each has to be linked again; set appendonly yes",
    )
  } else if (appendOnly === "no") {
    warnings.push(
      "appendonly is off: a crash of Redis loses all since its last snapshot, up to lines that have to be linked again; set appendonly yes",
    )
  } else if (appendSync === "no") {
    warnings.push(
      "appendfsync is no: a power cut loses what the system had not written by then, often half a minute; set appendfsync everysec (at most about a second) or always (nothing)",
    )
  }
  const policy = settings.get("maxmemory-policy")
  if (settings.get("maxmemory") !== "0" && policy !== undefined && policy !== "noeviction") {
    warnings.push(
      `maxmemory-policy is ${policy}: when memory runs short, Redis removes keys, and with them lines; set noeviction`,
    )
  }
  return warnings
}
