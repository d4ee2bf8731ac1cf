import { call, one, refuseFailure } from "./api.ts"
import type { Files } from "./folder.ts"
import type { Output } from "./output.ts"
import type { Server } from "./server.ts"

export interface Report {
  readonly companyId: string
  readonly dryRun: boolean
  readonly user: { readonly phone: string | null; readonly name: string | null } | null
  readonly counts: Readonly<Record<string, number>>
  readonly skipped: readonly { readonly file: string; readonly message: string }[]
  readonly overridden: readonly { readonly code: string; readonly message: string }[]
}

export interface How {
  readonly force: boolean
  readonly dryRun: boolean
}

export async function importFiles(server: Server, company: string, files: Files, how: How): Promise<Report> {
  const { data } = await call<{ data: Report }>(server, "POST", one(company, "/import"), { files, ...how })
  return data
}

export async function importExport(server: Server, company: string, bytes: Uint8Array, how: How): Promise<Report> {
  const query = `?force=${how.force}&dryRun=${how.dryRun}`
  const response = await server.fetch(one(company, `/import${query}`), {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: Uint8Array.from(bytes),
  })
  await refuseFailure(response)
  return ((await response.json()) as { data: Report }).data
}

/** One line of what was found, and one for everything odd. */
export function tellReport(out: Output, { companyId, dryRun, user, counts, skipped, overridden }: Report): void {
  const link = user === null ? "not linked" : `linked as +${user.phone ?? "?"}`
  const keys = ["pre-key", "session", "sender-key"].map((type) => `${counts[`auth ${type}`] ?? 0} ${type}s`).join(", ")
  const messages = counts["row message"]
  const what = [link, keys, ...(messages === undefined ? [] : [`${messages} messages`])].join("; ")
  out.line(`${companyId}: ${dryRun ? "would be imported" : "imported"}: ${what}`)
  for (const { file, message } of skipped) out.note(`  left out ${file}: ${message}`)
  for (const { message } of overridden) out.note(`  in spite of: ${message}`)
}
