import { randomBytes } from "node:crypto"
import type { Clock } from "../../../core/clock.ts"
import { UNFENCED, type Write } from "../../../core/store.ts"
import type { Bucket } from "./bucket.ts"
import type { Chain, Folder } from "./chain.ts"
import type { Standing } from "./claims.ts"
import type { Gate } from "./gate.ts"
import type { Local, Sync } from "./local.ts"
import { companyFolder, epochOf, fenceOf, generationName, objectName, parseName } from "./names.ts"
import { encodeObject } from "./objects.ts"
import { createUploads, type Upload, type Uploads, type Taken } from "./uploads.ts"

/** A company's copy on the local disk that counts, and its way to the bucket. */
export interface Copy {
  /** The claim it stands on; undefined when nobody has claimed the company here. */
  readonly standing: Standing | undefined
  readonly uploads: Uploads
  /** The one being written, if any has been begun. */
  readonly generation: string | undefined
  /** Durable on the local disk when it resolves. To be called within the gate. */
  commit(writes: readonly Write[], fence: number): Promise<void>
}

export interface CopyInput {
  readonly company: string
  readonly bucket: Bucket
  readonly local: Local
  readonly clock: Clock
  readonly gate: Gate
  readonly flushMs: number
  readonly standing: Standing | undefined
  readonly sync: Sync
  readonly folder: Folder
  /** The generation that this process was writing when it last left the company alone. */
  readonly going: string | undefined
  checkClaim(): void
  fenced(): void
  failed(error: Error): void
  healthy(): void
}

/** A snapshot takes the place of what would otherwise have to be read one by one. */
const MOST_OBJECTS = 64
const MOST_BYTES = 1 << 20

export function createCopy(input: CopyInput): Copy {
  const { company, bucket, local, gate, standing, folder } = input
  let sync = input.sync
  let names: readonly string[] = folder.chain?.names ?? []
  let bytes = folder.chain?.bytes ?? 0
  let snapshotBytes = folder.chain?.snapshotBytes ?? 0
  let generation: string | undefined
  let number = 0
  /** Objects that nothing names any more: removed once an object says so. */
  let leftovers: readonly string[] = folder.names.filter((name) => !names.includes(name))

  if (standing === undefined && folder.chain !== undefined && folder.chain.generation === input.going) {
    generation = input.going
    number = folder.chain.last + 1
  }

  /** Noted on the disk before the bucket can have it: after a crash it is known to be ours. */
  async function beginGeneration(): Promise<string> {
    const fence = Math.max(sync.fence, standing?.fence ?? 0)
    const before = folder.highest
    // Only fences decide between holders; the time keeps the generations of one fence apart, also over an erasure.
    const last = before !== "" && fenceOf(before) === fence ? epochOf(before) : 0
    const epoch = Math.max(last + 1, input.clock.now())
    const begun = generationName(fence, epoch, randomBytes(4).toString("hex"))
    sync = { ...sync, fence, own: [...sync.own, begun] }
    await local.commit(company, [], fence === 0 ? UNFENCED : fence, sync)
    return begun
  }

  async function everything(): Promise<Write[]> {
    const keys = await local.keys(company)
    const values = await local.load(company, keys)
    return keys.map((key, index) => ({ key, value: values[index] ?? null }))
  }

  async function compose(take: () => Taken): Promise<Upload> {
    generation ??= await beginGeneration()
    const full = names.length >= MOST_OBJECTS || bytes - snapshotBytes > Math.max(MOST_BYTES, snapshotBytes)
    const first = take()
    if (!first.whole && !full) return object(number === 0 ? "h" : "d", first.to, first.records)
    // Alone, so that no commit is in it by half; those that came since are in it, and wait no more.
    return gate.alone(async () => {
      const { to } = take()
      return object("s", to, await everything())
    })
  }

  function object(kind: "h" | "s" | "d", to: number, records: readonly Write[]): Upload {
    const name = objectName(generation ?? "", number, kind, to).text
    const head = { company, name, fence: sync.fence, ...(kind === "h" ? { base: names } : {}) }
    return { name, to, bytes: encodeObject(head, records) }
  }

  async function confirmed(upload: Upload): Promise<void> {
    input.healthy()
    const snapshot = parseName(upload.name)?.kind === "s"
    const obsolete = snapshot ? [...leftovers, ...names] : leftovers
    names = snapshot ? [upload.name] : [...names, upload.name]
    bytes = snapshot ? upload.bytes.length : bytes + upload.bytes.length
    if (snapshot) snapshotBytes = upload.bytes.length
    number++
    leftovers = []
    if (!sync.stored || sync.base !== undefined || sync.own.length > 1) {
      const { base: _, ...rest } = sync
      sync = { ...rest, stored: true, own: [generation ?? ""] }
      // Where the disk refuses it, the next commit says it.
      await local.commit(company, [], UNFENCED, sync).catch(() => undefined)
    }
    if (obsolete.length === 0) return
    try {
      await bucket.remove(obsolete.map((name) => companyFolder(company) + name))
    } catch {
      // They count no more; whoever opens the company next removes them.
    }
  }

  const uploads = createUploads({
    ...input,
    stored: folder.chain?.to ?? 0,
    sequence: sync.sequence,
    compose,
    confirmed,
  })

  return {
    standing,
    uploads,
    get generation() {
      return generation
    },
    async commit(writes, fence) {
      const highest = fence === UNFENCED ? sync.fence : Math.max(sync.fence, fence)
      const sequence = sync.sequence + 1
      sync = { ...sync, sequence }
      await local.commit(company, writes, fence, { ...sync, fence: highest })
      sync = { ...sync, fence: Math.max(sync.fence, highest) }
      uploads.add(writes, sequence)
    },
  }
}

/** True when the copy on the local disk has everything that is in the bucket, and nobody else has written since. */
export function counts(sync: Sync, chain: Chain | undefined): boolean {
  if (chain === undefined) return !sync.stored
  if (sync.own.includes(chain.generation)) return sync.sequence >= chain.to
  return sync.base?.generation === chain.generation && sync.base.to === chain.to
}
