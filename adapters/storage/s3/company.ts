import type { Clock } from "../../../core/clock.ts"
import { appError, isAppError } from "../../../core/errors.ts"
import { UNFENCED, type Write } from "../../../core/store.ts"
import type { Bucket } from "./bucket.ts"
import { type Chain, type Folder, loadChain, readFolder } from "./chain.ts"
import type { Standings } from "./claims.ts"
import { type Copy, counts, createCopy } from "./copy.ts"
import { eraseObjects, finishErasure } from "./erase.ts"
import { createGate } from "./gate.ts"
import type { Local, Sync } from "./local.ts"
import { objectDamaged } from "./objects.ts"

/** One company of the store: what is read and written here is on the local disk, and what is there follows to the bucket. */
export interface Company {
  load(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>
  commit(writes: readonly Write[], fence: number): Promise<void>
  keys(): Promise<string[]>
  /** Everything committed is in the bucket when it resolves. */
  flush(): Promise<void>
  /** FENCED when others have claimed or written the company under a higher fence. */
  erase(fence: number): Promise<void>
  /** Nothing that was replaced or deleted is left, here or in the bucket, when it resolves. */
  compact(): Promise<void>
  /** True when nothing of it is left in memory. What the bucket does not take now stays, and follows. */
  evict(): Promise<boolean>
  /** Nothing goes out any more, and nothing is on its way. */
  stop(): Promise<void>
}

export interface CompanyTools {
  readonly bucket: Bucket
  readonly local: Local
  readonly clock: Clock
  readonly standings: Standings
  readonly flushMs: number
  /** Only tests leave out that credentials are uploaded at once, to see what it is for. */
  readonly eager: boolean
  /** Only tests let a former holder's writes count, to see what fences are for. */
  readonly fencing: boolean
  failed(error: Error): void
  healthy(): void
}

/** Credentials are on the local disk; where the bucket does not answer in this time, they follow like everything else. */
const CREDENTIALS_WAIT_MS = 5_000
const LISTINGS = 4

export function createCompany(company: string, tools: CompanyTools): Company {
  const { bucket, local, clock, standings, flushMs } = tools
  const gate = createGate()
  let copy: Copy | undefined
  let opening: Promise<Copy> | undefined
  /** Generation this process has been writing, for as long as it remembers the company. */
  let going: string | undefined
  /** Opening, erasing and leaving alone come one after the other. */
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  /** What is on its way has arrived or failed when it resolves: nothing of it comes after what follows. */
  async function leave(): Promise<void> {
    const left = copy
    if (left === undefined) return
    going = left.generation ?? going
    copy = undefined
    await left.uploads.stop()
  }

  /**
   * The copy that counts. Under a claim nobody else writes, and it stays; without one the bucket is asked each time, unless
   * something of ours is still on its way.
   */
  async function ready(): Promise<Copy> {
    const standing = standings.of(company)
    if (copy !== undefined && copy.standing === standing && (standing !== undefined || !copy.uploads.idle)) return copy
    opening ??= inTurn(open).finally(() => {
      opening = undefined
    })
    return opening
  }

  async function open(): Promise<Copy> {
    await leave()
    const standing = standings.of(company)
    const { folder, sync } = await gate.alone(upToDate)
    const opened = createCopy({
      ...tools,
      company,
      gate,
      standing,
      sync,
      folder,
      going,
      checkClaim() {
        if (standing?.alive() === false) throw appError("FENCED")
      },
      fenced() {
        if (copy === opened) copy = undefined
      },
    })
    // Before anything is read under a claim, what others may still write of it has to count no more.
    if (standing !== undefined && (folder.chain !== undefined || !opened.uploads.idle)) {
      try {
        await opened.uploads.begin()
      } catch (error) {
        await opened.uploads.stop()
        throw error
      }
    }
    copy = opened
    return opened
  }

  /** Makes the local copy what counts: what it is, when nobody else has written since, or what is in the bucket. */
  async function upToDate(): Promise<{ folder: Folder; sync: Sync }> {
    for (let listed = 1; ; listed++) {
      let folder = await readFolder(bucket, company, tools.fencing)
      if (folder.chain?.erased === true) {
        await local.erase(company)
        await finishErasure(bucket, company, folder)
        folder = { ...folder, chain: undefined, names: [] }
      }
      const sync = await local.sync(company)
      if (sync !== undefined && counts(sync, folder.chain)) return { folder, sync }
      if (folder.chain === undefined) {
        if (sync?.stored === true) throw objectDamaged(company, "", "the bucket has nothing of this company any more")
        return { folder, sync: { sequence: 0, fence: 0, own: [], stored: false } }
      }
      const loaded = await replaceBy(folder.chain)
      if (typeof loaded !== "string") return { folder, sync: loaded }
      // Whoever runs the line now has just put a snapshot in its place, or somebody removes objects.
      if (listed === LISTINGS) throw objectDamaged(company, loaded, "it is missing")
    }
  }

  async function replaceBy(chain: Chain): Promise<Sync | string> {
    const loaded = await loadChain(bucket, company, chain)
    if (typeof loaded === "string") return loaded
    const base = { generation: chain.generation, to: chain.to }
    const sync: Sync = { sequence: chain.to, fence: loaded.fence, own: [], base, stored: true }
    await local.replace(company, loaded.records, sync)
    return sync
  }

  /** Runs `work` on the copy that counts while nothing takes its place. */
  async function on<T>(work: (copy: Copy) => Promise<T>): Promise<T> {
    for (;;) {
      const current = await ready()
      const done = await gate.shared(async () => (copy === current ? { value: await work(current) } : undefined))
      if (done !== undefined) return done.value
    }
  }

  /** Waits for the bucket as long as what was written asks for. */
  async function follow(uploads: Copy["uploads"], secret: boolean): Promise<void> {
    if (flushMs === 0) return uploads.settled()
    if (!tools.eager || !secret) return
    const waited = new AbortController()
    const arrived = uploads.settled().catch((error: unknown) => {
      // The bucket is away: it is on the disk and follows. Somebody else has taken over: it is lost, and that is told.
      if (isAppError(error) && error.code === "FENCED") throw error
    })
    try {
      await Promise.race([arrived, clock.sleep(CREDENTIALS_WAIT_MS, waited.signal).catch(() => undefined)])
    } finally {
      waited.abort()
      arrived.catch(() => undefined)
    }
  }

  return {
    load: (keys) => on(() => local.load(company, keys)),
    keys: () => on(() => local.keys(company)),

    async commit(writes, fence) {
      const secret = writes.some(({ key }) => key.startsWith("creds/"))
      if (standings.lapsed(company, fence)) throw appError("FENCED")
      // An identity is written on the server's word; without a claim there is nothing but its word.
      if (secret || (standings.of(company) === undefined && copy?.uploads.idle !== false)) {
        await standings.permit(company, fence)
      }
      const { uploads } = await on(async (current) => {
        if (fence !== UNFENCED && current.standing !== undefined && fence < current.standing.fence) {
          throw appError("FENCED")
        }
        await current.commit(writes, fence)
        return current
      })
      await follow(uploads, secret)
    },

    async flush() {
      // Also what a former process has left on the disk.
      const { uploads } = await ready()
      await uploads.settled()
    },

    async compact() {
      const { uploads } = await ready()
      await uploads.renew()
    },

    erase: (fence) =>
      inTurn(async () => {
        await standings.permit(company, fence)
        const standing = standings.of(company)
        await leave()
        going = undefined
        await gate.alone(() => eraseObjects(tools, company, fence, standing))
      }),

    evict: () =>
      inTurn(async () => {
        await copy?.uploads.settled().catch(() => undefined)
        const idle = copy === undefined || copy.uploads.idle
        if (idle) await leave()
        await local.evict(company)
        return idle
      }),

    async stop() {
      await copy?.uploads.stop()
    },
  }
}
