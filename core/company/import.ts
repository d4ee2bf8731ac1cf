import type { Clock } from "../clock.ts"
import { type AppError, appError } from "../errors.ts"
import type { Homes } from "../homes/homes.ts"
import type { Hooks } from "../hooks.ts"
import type { Ledger, Op } from "../ledger.ts"
import { newRecord, placeRecord } from "../line/record.ts"
import type { Logger } from "../log.ts"
import { count } from "../monitor/totals.ts"
import type { AuthFacts, FileProblem, Provider } from "../provider.ts"
import type { AuthRecord } from "../records/auth-records.ts"
import type { Sessions } from "../sessions.ts"
import type { AuthBatch } from "../store.ts"
import type { Digest } from "../system.ts"
import type { Call, LineUser } from "../types.ts"
import type { Erasure } from "./erasure.ts"
import { readExport } from "./export-file.ts"
import { compareLinks, isSameLink, type Objection } from "./judge.ts"
import { restoreRecords } from "./restore.ts"

/** Making a company out of what another program, or another server, has kept of it. */
export interface Importer {
  /**
   * The files of a linked device. Throws VALIDATION_ERROR for files that cannot be read, IMPORT_REFUSED for one that would
   * do harm, NOT_SUPPORTED where the provider knows no such files.
   */
  files(call: Call, files: ReadonlyMap<string, Uint8Array>, how: ImportHow): Promise<ImportReport>
  /** An export of ours, in the place of all that is here. Throws as `files` does. */
  exported(call: Call, bytes: Uint8Array, how: ImportHow): Promise<ImportReport>
}

export interface ImportHow {
  /** Skips files that cannot be read, and replaces what is here whatever it is worth. */
  readonly force: boolean
  /** Finds out everything and changes nothing. */
  readonly dryRun: boolean
}

export interface ImportReport {
  readonly companyId: string
  readonly dryRun: boolean
  /** Whose link it is; null for an export without credentials. */
  readonly user: LineUser | null
  /** Records by kind. */
  readonly counts: Readonly<Record<string, number>>
  readonly skipped: readonly FileProblem[]
  /** What `force` has overridden. */
  readonly overridden: readonly Objection[]
}

export interface ImporterDeps {
  /** Unguarded. */
  readonly ledger: Ledger
  readonly provider: Provider
  readonly homes: Homes
  readonly sessions: Sessions
  readonly erasure: Erasure
  readonly clock: Clock
  readonly log: Logger
  readonly openSha256: () => Digest
  readonly unfinishedKeptMs: number
  readonly hooks: Pick<Hooks, "observe">
  exists(company: string): Promise<boolean>
}

export function createImporter(deps: ImporterDeps): Importer {
  const { ledger, provider, homes, sessions, erasure, clock, log } = deps

  const factsIn = async (company: string): Promise<AuthFacts | undefined> => {
    let facts: AuthFacts | undefined
    await homes.tend(company, async (store) => {
      facts = await provider.describeAuth?.(store)
    })
    return facts
  }

  /** Companies of this server that are the very same link. */
  const twins = async (company: string, given: AuthFacts): Promise<readonly Objection[]> => {
    const found: Objection[] = []
    for (const other of await sessions.companies.all()) {
      if (other === company) continue
      const status = await sessions.look(other)
      if (status?.user?.phone !== given.user.phone) continue
      const facts = await factsIn(other)
      if (facts === undefined || !isSameLink(facts, given)) continue
      const message = `Company ${other} is this very link; two lines on one link throw each other out`
      found.push({ code: "linked-elsewhere", message })
    }
    return found
  }

  const objections = async (company: string, given: AuthFacts | undefined): Promise<readonly Objection[]> => {
    const line = sessions.peek(company)
    const live: readonly Objection[] =
      line?.live === true
        ? [{ code: "connected", message: "The company's line is connected, or on its way to be" }]
        : []
    if (given === undefined) return live
    const here = await factsIn(company)
    return [...live, ...(here === undefined ? [] : compareLinks(here, given)), ...(await twins(company, given))]
  }

  const admitImport = (found: readonly Objection[], { force }: ImportHow): void => {
    if (found.length > 0 && !force) {
      const message = `${found.map((objection) => objection.message).join(". ")}. Nothing was changed; \`force\` does it all the same`
      throw appError("IMPORT_REFUSED", { message, details: found })
    }
  }

  /** Puts the link in the place of whatever auth state there is, in one commit. */
  const saveAuth = async (company: string, auth: AuthBatch): Promise<void> => {
    const before: AuthRecord[] = []
    await homes.tend(company, async (store) => {
      for await (const some of store.all()) before.push(...some)
    })
    const batch: Record<string, Record<string, Uint8Array | null>> = Object.create(null)
    for (const { type, id } of before) (batch[type] ??= Object.create(null) as Record<string, null>)[id] = null
    for (const [type, records] of Object.entries(auth)) {
      batch[type] = Object.assign(batch[type] ?? Object.create(null), records) as Record<string, Uint8Array | null>
    }
    const holding = await homes.open(company)
    try {
      await holding.auth.save(batch)
    } finally {
      await holding.release()
    }
  }

  /** The line of the company, if it is in memory, lets go of everything. Gives what is to be counted for it. */
  const settle = async (company: string): Promise<readonly Op[]> => {
    const line = sessions.peek(company)
    if (line === undefined) {
      await erasure.admit(company)
      return []
    }
    const lost = line.record.state === "connected" ? [count("disconnections")] : []
    await line.stop("closing", "replaced by an import")
    await line.flush(FLUSH_MS)
    line.abandon()
    sessions.drop(company)
    return lost
  }

  return {
    files: ({ company, requestId }, files, how) =>
      sessions.serial(company, async () => {
        if (provider.importAuth === undefined) throw appError("NOT_SUPPORTED")
        const { auth, facts, problems } = await provider.importAuth(files)
        if (facts === undefined || (problems.length > 0 && !how.force)) throw unreadable(problems)
        const overridden = await objections(company, facts)
        admitImport(overridden, how)
        const { dryRun } = how
        const { user } = facts
        const report = { companyId: company, dryRun, user, counts: countsOf(auth), skipped: problems, overridden }
        if (dryRun) return report
        const lost = await settle(company)
        await saveAuth(company, auth)
        const record = { ...newRecord, linked: true, wanted: true, user, lastActivity: clock.now() }
        await ledger.commit(company, [{ op: "put", ...placeRecord(record, deps.unfinishedKeptMs) }, ...lost])
        sessions.companies.add(company)
        log.info({ company, requestId, files: files.size, forced: overridden.length > 0 }, "A link has been imported")
        return report
      }),

    async exported({ company, requestId }, bytes, how) {
      const file = await readExport(bytes, deps.openSha256, () => clock.sleep(0))
      return sessions.serial(
        company,
        async () => {
          if (file.companyId !== company) throw wrong(`The export is of ${file.companyId}; import it under that id`)
          if (file.credentials && file.provider !== provider.name) {
            throw wrong(`The credentials are those of provider ${file.provider}, and this is ${provider.name}`)
          }
          const given = file.credentials ? await provider.describeAuth?.(storeOf(file.auth)) : undefined
          const there: readonly Objection[] = (await deps.exists(company))
            ? [{ code: "exists", message: "The company has data here, all of which the import would replace" }]
            : []
          const overridden = [...there, ...(await objections(company, given))]
          admitImport(overridden, how)
          const counts = { ...countsOf(file.auth), ...file.counts }
          const { dryRun } = how
          const report = { companyId: company, dryRun, user: given?.user ?? null, counts, skipped: [], overridden }
          if (dryRun) return report
          await erasure.admit(company)
          await erasure.replace(company, async () => {
            await restoreRecords(ledger, company, file, given !== undefined)
            if (file.credentials) await saveAuth(company, file.auth)
          })
          sessions.companies.add(company)
          deps.hooks.observe("company:imported", { company })
          const forced = overridden.length > 0
          log.info({ company, requestId, credentials: file.credentials, forced }, "An export was imported")
          return report
        },
        RESTORE_MS,
      )
    },
  }
}

const FLUSH_MS = 5_000
/** A large export takes minutes to be written. */
const RESTORE_MS = 30 * 60_000

function countsOf(auth: AuthBatch): Record<string, number> {
  return Object.fromEntries(
    Object.entries(auth).map(([type, records]) => [`auth ${type}`, Object.keys(records).length]),
  )
}

function storeOf(auth: AuthBatch): { load(type: string, ids: readonly string[]): Promise<Record<string, Uint8Array>> } {
  return {
    async load(type, ids) {
      const found: Record<string, Uint8Array> = Object.create(null)
      for (const id of ids) {
        const value = auth[type]?.[id]
        if (value !== undefined && value !== null) found[id] = value
      }
      return found
    },
  }
}

function unreadable(problems: readonly FileProblem[]): AppError {
  const fatal = problems.some((problem) => problem.fatal)
  const message = fatal
    ? "There is no usable link in these files"
    : `${problems.length} of the files cannot be read; \`force\` leaves them out`
  const details = problems.map(({ file, message: why }) => ({ path: file, code: "VALIDATION_ERROR", message: why }))
  return appError("VALIDATION_ERROR", { message, details })
}

function wrong(message: string): AppError {
  return appError("VALIDATION_ERROR", { message, details: [{ path: "", code: "VALIDATION_ERROR", message }] })
}
