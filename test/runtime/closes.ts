import type { FaultSpec } from "../sandbox/index.ts"
import { type Platform, until } from "../support/platform.ts"
import { session, type SessionView, type Stage, type StageCompany, wait } from "./stage.ts"

/** Why a line closed, and what has to follow, counted in logins at the sandbox. */
export interface CloseRow {
  readonly reason: string
  /** What WhatsApp says to the line that is connected; without it the connection is cut. */
  readonly said?: { readonly code?: number; readonly conflict?: string }
  /** What it meets at its next logins. */
  readonly login?: Pick<FaultSpec, "kind" | "code" | "conflict" | "count">
  readonly state: string
  /** Code of the session's last error. */
  readonly error: string | null
  /** Fewest and most logins until the end of the watch. */
  readonly logins: readonly [least: number, most: number]
}

/** For as long as the watch goes on, WhatsApp answers each login the same. */
export const closeRows = (watchMs: number): readonly CloseRow[] => {
  const most = mostLogins(watchMs)
  const refused = (code: number): NonNullable<CloseRow["login"]> => ({ kind: "refuse-login", code })
  return [
    { reason: "515, once", said: { code: 515 }, state: "connected", error: null, logins: [1, 1] },
    {
      reason: "401 while connected",
      said: { code: 401, conflict: "device_removed" },
      state: "logged-out",
      error: "LOGGED_OUT",
      logins: [0, 0],
    },
    { reason: "401 at login", login: refused(401), state: "logged-out", error: "LOGGED_OUT", logins: [1, 1] },
    { reason: "402", login: refused(402), state: "failed", error: "BANNED", logins: [1, 1] },
    { reason: "403", login: refused(403), state: "failed", error: "BANNED", logins: [1, 1] },
    { reason: "406", login: refused(406), state: "failed", error: "BANNED", logins: [1, 1] },
    { reason: "405", login: refused(405), state: "outdated", error: "OUTDATED", logins: [1, 1] },
    { reason: "411", login: refused(411), state: "failed", error: "NOT_ACCEPTED", logins: [1, 1] },
    {
      reason: "440 while connected",
      said: { conflict: "replaced" },
      state: "replaced",
      error: "REPLACED",
      logins: [0, 0],
    },
    {
      reason: "440 at every login",
      login: { kind: "stream-error-at-login", conflict: "replaced" },
      state: "replaced",
      error: "REPLACED",
      logins: [1, 1],
    },
    {
      reason: "500 at every login",
      login: refused(500),
      state: "reconnecting",
      error: "CONNECTION_FAILED",
      logins: [2, most],
    },
    {
      reason: "an unknown code at every login",
      login: refused(599),
      state: "reconnecting",
      error: "CONNECTION_FAILED",
      logins: [2, most],
    },
    {
      reason: "503 at every login",
      login: refused(503),
      state: "reconnecting",
      error: "UNREACHABLE",
      logins: [2, most],
    },
    { reason: "503 while connected", said: { code: 503 }, state: "connected", error: null, logins: [1, 1] },
    { reason: "a cut", state: "connected", error: null, logins: [1, 1] },
  ]
}

/** 12 logins in 45 s, and in a shorter time the share of it that delays which grow by half allow. */
function mostLogins(ms: number): number {
  return ms >= 45_000 ? 12 : 8
}

export interface CloseFigure {
  readonly row: CloseRow
  readonly session: SessionView
  readonly logins: number
  readonly devices: number
}

/** Closes one line for each row, watches them for `watchMs`, and tells what became of them. Faults are cleared at the end. */
export async function runCloses(stage: Stage, rows: readonly CloseRow[], watchMs: number): Promise<CloseFigure[]> {
  const companies = (await stage.link(rows.length)).slice(0, rows.length)
  const before = await Promise.all(companies.map(({ line }) => line.view()))
  await Promise.all(rows.map((row, i) => close(stage, companies[i] as StageCompany, row)))
  await wait(watchMs)
  // A line may be on the last delay before what it comes to; one that goes on trying has come to it.
  await Promise.all(
    companies.flatMap((company, i) => {
      const state = rows[i]?.state ?? "reconnecting"
      return state === "reconnecting" ? [] : [arrived(stage, company, state)]
    }),
  )
  const found = await Promise.all(
    rows.map(async (row, i) => {
      const company = companies[i] as StageCompany
      const { loginAttempts, devices } = await company.line.view()
      const logins = loginAttempts - (before[i]?.loginAttempts ?? 0)
      return { row, session: await session(stage.platform, company), logins, devices: devices.length }
    }),
  )
  await stage.sandbox.clearFaults()
  return found
}

const ARRIVAL_MS = 30_000

async function arrived(stage: Stage, company: StageCompany, state: string): Promise<void> {
  let last: string | undefined
  await until(
    () => `${company.id} is ${state}, and not ${last}`,
    ARRIVAL_MS,
    async () => {
      last = (await session(stage.platform, company)).status
      return last === state ? true : undefined
    },
  )
}

async function close(stage: Stage, { number, line }: StageCompany, row: CloseRow): Promise<void> {
  if (row.login) await stage.sandbox.fault({ ...row.login, line: number })
  if (row.said) await line.streamError(row.said)
  else await line.cut()
}

/** A sentence for each row that did not go as it should. */
export function wrongCloses(figures: readonly CloseFigure[]): string[] {
  return figures.flatMap(({ row, session: { status, lastError }, logins }) => {
    const [least, most] = row.logins
    const faults = [
      status === row.state ? [] : [`${status} instead of ${row.state}`],
      (lastError?.code ?? null) === row.error ? [] : [`error ${lastError?.code} instead of ${row.error}`],
      logins >= least && logins <= most ? [] : [`${logins} logins instead of ${least} to ${most}`],
    ].flat()
    return faults.length === 0 ? [] : [`${row.reason}: ${faults.join(", ")}`]
  })
}

/** Refuses every upgrade with HTTP 503 for `ms`. Gives how long after its end each of the lines was connected again. */
export async function runRefusedUpgrades(
  stage: Stage,
  companies: readonly StageCompany[],
  ms: number,
): Promise<number[]> {
  const armed = await stage.sandbox.fault({ kind: "refuse-upgrade", code: 503 })
  await Promise.all(companies.map(({ line }) => line.cut()))
  await wait(ms)
  const { hits } = await armed.now()
  if (hits === 0) throw new Error("no upgrade was refused")
  await armed.clear()
  const returned = performance.now()
  return Promise.all(companies.map((company) => backAfter(stage.platform, company, returned)))
}

const GIVEN_UP_MS = 60_000

async function backAfter(platform: Platform, company: StageCompany, since: number): Promise<number> {
  await until(`${company.id} is connected again`, GIVEN_UP_MS, async () =>
    (await session(platform, company)).connected ? true : undefined,
  )
  return performance.now() - since
}
