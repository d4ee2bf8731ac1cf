import type { Clock, Timer } from "../../../core/clock.ts"
import { appError, isAppError, toError } from "../../../core/errors.ts"
import type { Write } from "../../../core/store.ts"
import type { Bucket } from "./bucket.ts"
import { unavailable } from "./faults.ts"
import { companyFolder } from "./names.ts"
import { createWaiting } from "./waiting.ts"

/** An object that is ready to go: sent under the same name, with the same bytes, until the server has it. */
export interface Upload {
  /** Relative to the company's folder. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Sequence number of the last commit in it. */
  readonly to: number
}

/** Commits that are on the local disk and not in the bucket yet. */
export interface Taken {
  readonly records: readonly Write[]
  readonly to: number
  /** There was too much of it to be kept here: everything has to be read from the disk. */
  readonly whole: boolean
}

export interface UploadsInput {
  readonly company: string
  readonly bucket: Bucket
  readonly clock: Clock
  readonly flushMs: number
  /** Sequence number of the last commit in the bucket, and on the disk. */
  readonly stored: number
  readonly sequence: number
  /** Makes the next object. `take` empties what waits, and gives it. */
  compose(take: () => Taken): Promise<Upload>
  confirmed(upload: Upload): Promise<void>
  /** Throws FENCED when the claim that these writes stand on has lapsed. */
  checkClaim(): void
  /** Called once when they may not go on. */
  fenced(): void
  failed(error: Error): void
}

/** Carries a company's commits to the bucket, one object at a time. */
export interface Uploads {
  /** Nothing waits and nothing is under way. */
  readonly idle: boolean
  add(writes: readonly Write[], to: number): void
  /** An object is made even when nothing waits. */
  begin(): Promise<void>
  /** An object of everything is made, and takes the place of all others. */
  renew(): Promise<void>
  /** Resolves when everything added so far is in the bucket. Rejects when a try has failed; trying goes on. */
  settled(): Promise<void>
  /** Nothing more goes out after this; resolves when nothing is on its way any more. */
  stop(): Promise<void>
}

const MOST_COMMITS = 64
/** What may wait in memory for one company; beyond that it is read from the disk again. */
const MOST_BYTES = 1 << 20
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000

export function createUploads(input: UploadsInput): Uploads {
  const { company, bucket, clock, flushMs } = input
  const waiting = createWaiting(MOST_BYTES)
  let commits = 0
  let to = input.sequence
  let stored = input.stored
  let whole = input.sequence > input.stored
  let forced = false
  let upload: Upload | undefined
  let running: Promise<void> | undefined
  let timer: Timer | undefined
  let failures = 0
  let stopped = false
  let waiters: { readonly to: number; done(): void; failed(error: Error): void }[] = []

  /** Somebody waits for it, or there is enough of it. */
  const urgent = (): boolean => upload !== undefined || forced || waiters.length > 0 || commits >= MOST_COMMITS
  const anything = (): boolean => upload !== undefined || forced || whole || waiting.size > 0

  function take(): Taken {
    const taken = { records: waiting.take(), to, whole }
    commits = 0
    whole = false
    forced = false
    return taken
  }

  /** One object under way at a time, so that there are never gaps. */
  async function run(): Promise<void> {
    timer?.cancel()
    timer = undefined
    try {
      for (let first = true; !stopped && anything() && (first || urgent()); first = false) {
        input.checkClaim()
        upload ??= await compose()
        await put(upload)
        input.checkClaim()
        const done = upload
        upload = undefined
        await input.confirmed(done)
        failures = 0
        arrived(done.to)
      }
      if (!stopped && !anything()) arrived(to)
    } catch (error) {
      giveUp(isAppError(error) ? error : unavailable(toError(error)))
    } finally {
      running = undefined
    }
    if (!stopped && timer === undefined && anything()) arm()
  }

  async function compose(): Promise<Upload> {
    let taken: Taken | undefined
    try {
      return await input.compose(() => (taken = take()))
    } catch (error) {
      // What was taken is on the disk, and is read from there the next time.
      if (taken !== undefined) whole = true
      throw error
    }
  }

  async function put({ name, bytes }: Upload): Promise<void> {
    const key = companyFolder(company) + name
    if (await bucket.put(key, bytes, { fresh: true })) return
    // Either an earlier try arrived after all, or somebody else writes here.
    const there = await bucket.get(key)
    if (there === undefined || Buffer.compare(there.bytes, bytes) !== 0) throw appError("FENCED")
  }

  function arrived(upTo: number): void {
    stored = Math.max(stored, upTo)
    const done = waiters.filter((waiter) => waiter.to <= stored)
    waiters = waiters.filter((waiter) => waiter.to > stored)
    for (const waiter of done) waiter.done()
  }

  function giveUp(error: Error): void {
    const told = waiters
    waiters = []
    for (const waiter of told) waiter.failed(error)
    if (stopped) return
    if (isAppError(error) && error.code === "FENCED") {
      end()
      input.fenced()
    } else {
      input.failed(error)
      failures++
      const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2)
      timer = clock.after(wait, start)
    }
  }

  function start(): void {
    running ??= run()
  }

  function arm(): void {
    if (running !== undefined || stopped) return
    if (commits >= MOST_COMMITS && failures === 0) return start()
    timer ??= clock.after(flushMs, start)
  }

  function end(): void {
    stopped = true
    timer?.cancel()
    timer = undefined
    for (const waiter of waiters) waiter.failed(appError("FENCED"))
    waiters = []
  }

  function settled(): Promise<void> {
    if (!anything() && running === undefined) return Promise.resolve()
    if (stopped) return Promise.reject(appError("FENCED"))
    return new Promise((done, failed) => {
      waiters.push({ to, done, failed })
      start()
    })
  }

  return {
    get idle() {
      return running === undefined && !anything()
    },
    add(writes, sequence) {
      to = sequence
      commits++
      if (!whole && !waiting.add(writes)) whole = true
      arm()
    },
    begin() {
      forced = true
      return settled()
    },
    renew() {
      whole = true
      return settled()
    },
    settled,
    async stop() {
      end()
      await running
    },
  }
}
