import { claimCompany, claimOn } from "./claim.ts"
import { copyRecords } from "./copy.ts"
import { appError } from "../errors.ts"
import { type HomeRecord, loadHome, type MoveRecord, placeHome } from "./record.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Lease, Ownership } from "../ownership.ts"
import { encodeSegment } from "../records/keys.ts"
import type { CompanyStore } from "../records/auth-records.ts"
import { eraseCompany, openCompanyStore, type StorageTools } from "../storage.ts"
import type { AuthStore } from "../store.ts"
import type { Stores } from "../stores.ts"

/** Where each company's auth state lives, and the one way to it. */
export interface Homes {
  /** The store of companies that nobody has put anywhere. */
  readonly standard: string
  /** The store that a company is in, as last learnt; the standard one for a company not learnt of. */
  nameOf(company: string): string
  /** Reads which store is in charge; undefined for a company that has never had auth state. */
  learn(company: string): Promise<HomeRecord | undefined>
  forget(company: string): void
  /**
   * Claims the company and opens its auth state where it is. Waits while it is being moved; `signal` ends the wait.
   * Throws SESSION_OWNED_ELSEWHERE, or STORAGE_UNAVAILABLE.
   */
  open(company: string, signal?: AbortSignal): Promise<Holding>
  /** Lets go of cached auth state. */
  evict(company: string): Promise<void>
  /** Runs `work` while nobody opens the company; others wait. */
  alone<T>(company: string, work: () => Promise<T>): Promise<T>
  /**
   * Does something with a company's auth state where it is: through the line that has it open, else under a claim of its
   * own, with others waiting. Throws as `open` does.
   */
  tend(company: string, work: (store: CompanyStore) => Promise<void>): Promise<void>
  /** The commit that puts a company, or a move of it, on record. */
  place(home: HomeRecord): Op
  /** What `place` has put on record counts from now on. */
  placed(company: string, home: HomeRecord): void
  /** Throws STORE_OCCUPIED when a store has records of the company already, STORAGE_UNAVAILABLE while it is away. */
  checkRoom(company: string, store: string): Promise<void>
  /** Copies and verifies; the caller runs it alone. `again`: what is in the target is left over from this very move. */
  copy(company: string, move: MoveRecord, again: boolean, progress: CopyProgress): Promise<void>
  /** Erases everything of a company in one store, where no line of it may be running. */
  eraseIn(company: string, store: string): Promise<void>
}

export type CopyProgress = (copied: number, total: number) => void

/** A company's auth state, claimed and open. */
export interface Holding {
  readonly store: string
  readonly lease: Lease
  readonly auth: AuthStore
  release(): Promise<void>
}

export interface HomesDeps {
  readonly ledger: Ledger
  readonly ownership: Ownership
  readonly stores: Stores
  /** Asked at each use: who seals is known once the plugins are set up. */
  readonly tools: () => StorageTools
}

export function createHomes({ ledger, ownership, stores, tools }: HomesDeps): Homes {
  const known = new Map<string, string>()
  /** Work that nobody may open the company beside. */
  const busy = new Map<string, Promise<void>>()
  const held = new Map<string, { readonly store: CompanyStore; readonly lease: Lease }>()

  const encode = (company: string): string => encodeSegment(company, tools().sha256).text

  const learn = async (company: string): Promise<HomeRecord | undefined> => {
    const home = await loadHome(ledger, company)
    if (home !== undefined) known.set(company, home.store)
    return home
  }

  /** A company is pinned to the store it begins in, so that another default later does not lose it. */
  const pin = async (company: string): Promise<string> => {
    const home: HomeRecord = { store: stores.standard, move: null }
    await ledger.commit(company, [{ op: "putIfAbsent", ...placeHome(home) }])
    return (await learn(company))?.store ?? stores.standard
  }

  const idle = async (company: string, signal?: AbortSignal): Promise<void> => {
    for (let work = busy.get(company); work !== undefined; work = busy.get(company)) {
      await (signal === undefined ? work : Promise.race([work, endOf(signal)]))
      if (signal?.aborted === true) throw appError("STORAGE_UNAVAILABLE", { message: "The wait was given up" })
    }
  }

  const alone = async <T>(company: string, work: () => Promise<T>): Promise<T> => {
    await idle(company)
    const done = work()
    // Whoever waits goes on, however it ended.
    const settled = done.then(
      () => undefined,
      () => undefined,
    )
    busy.set(company, settled)
    try {
      return await done
    } finally {
      if (busy.get(company) === settled) busy.delete(company)
    }
  }

  const claimed = async (company: string, name: string): Promise<Holding & { readonly auth: CompanyStore }> => {
    const store = await stores.open(name)
    const { lease, release } = await claimCompany({ company, encoded: encode(company), ownership, store })
    return { store: name, lease, auth: openCompanyStore(store, lease, tools()), release }
  }

  return {
    standard: stores.standard,
    nameOf: (company) => known.get(company) ?? stores.standard,
    learn,
    forget: (company) => void known.delete(company),

    async open(company, signal) {
      await idle(company, signal)
      const name = (await learn(company))?.store ?? (await pin(company))
      const holding = await claimed(company, name)
      const mine = { store: holding.auth, lease: holding.lease }
      held.set(company, mine)
      holding.lease.lost.addEventListener("abort", () => {
        if (held.get(company) === mine) held.delete(company)
      })
      return holding
    },

    async tend(company, work) {
      const open = held.get(company)
      if (open !== undefined && !open.lease.lost.aborted) return work(open.store)
      await alone(company, async () => {
        const { auth, release } = await claimed(company, (await learn(company))?.store ?? stores.standard)
        try {
          await work(auth)
        } finally {
          await release()
        }
      })
    },

    async evict(company) {
      const store = (await stores.opened()).get(known.get(company) ?? stores.standard)
      await store?.driver.evict(encode(company))
    },

    alone,

    place: (home) => ({ op: "put", ...placeHome(home) }),
    placed(company, home) {
      known.set(company, home.store)
    },

    async checkRoom(company, name) {
      const store = await stores.open(name)
      const found = await store.driver.keys(encode(company))
      if (found.length > 0) throw appError("STORE_OCCUPIED")
    },

    async copy(company, { from, to }, again, progress) {
      const [source, target] = await Promise.all([stores.open(from), stores.open(to)])
      const encoded = encode(company)
      // Claimed before anything is erased: another process may be running the company there.
      const there = await claimOn(target, encoded)
      try {
        if (again) await eraseCompany(target, encoded, tools(), there?.fence)
        else if ((await target.driver.keys(encoded)).length > 0) throw appError("STORE_OCCUPIED")
      } finally {
        await there?.release()
      }
      const { lease, release } = await claimCompany({ company, encoded, ownership, store: target })
      try {
        const held = await claimOn(source, encoded)
        try {
          const { fence } = lease
          await copyRecords({
            company: encoded,
            from: source,
            to: target,
            fence,
            sha256: tools().sha256,
            progress,
          })
          if (lease.lost.aborted || held?.lost.aborted === true) throw appError("FENCED")
        } finally {
          await held?.release()
        }
      } finally {
        await release()
      }
    },

    async eraseIn(company, name) {
      const store = await stores.open(name)
      const claim = await claimOn(store, encode(company))
      try {
        await eraseCompany(store, encode(company), tools(), claim?.fence)
      } finally {
        await claim?.release()
      }
    },
  }
}

function endOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
}
