import { rawValue } from "../../../settings/environment.ts"
import type { Command } from "../command.ts"
import { CommandFailure, wrongUse } from "../failure.ts"
import { readFolder } from "../folder.ts"
import { importFiles, type Report, tellReport } from "../import-files.ts"
import { backUp, findOldLines, importsOne, type OldLine } from "../old-folders.ts"

interface Outcome {
  readonly company: string
  readonly folder: string
  readonly report?: Report
  readonly error?: { readonly code?: string; readonly message: string; readonly details: readonly string[] }
}

export const migrate: Command = {
  name: "migrate",
  summary: "Take over the sessions folder of a single-tenant or multi-tenant installation of old",
  usage: "--from <sessions folder> [--to-company <id>] [--dry-run] [--backup <folder>] [--force]",
  words: [],
  options: {
    from: { type: "string" },
    "to-company": { type: "string" },
    "dry-run": { type: "boolean" },
    backup: { type: "string" },
    force: { type: "boolean" },
  },
  optionHelp: {
    "from <folder>": "With creds.json in it, or with company_<id> folders",
    "to-company <id>": "Whose the creds.json in the folder itself is; DEFAULT_COMPANY_ID without it",
    "dry-run": "Find out everything, change nothing, and make no backup",
    "backup <folder>": "Where the backup goes; beside the sessions folder without it",
    force: "As with import",
  },
  more: "A copy of the folder is made first, and the folder itself is left as it is. Stop the old program before.",
  check(given) {
    if (given.text("from") === undefined) throw wrongUse("Out of what? Name the old sessions folder with --from")
  },
  async run(context) {
    const { out, reach } = context
    const from = context.text("from") ?? ""
    const how = { force: context.flag("force"), dryRun: context.flag("dry-run") }
    const { server, sources } = await reach()
    const standard = rawValue(sources, "DEFAULT_COMPANY_ID")
    const company = context.text("to-company") ?? (standard === undefined ? undefined : String(standard))
    const found = await findOldLines(from, company)
    for (const folder of found.nameless) out.note(`${folder} holds a line and does not say whose. ${importsOne}`)
    const backup = how.dryRun ? undefined : await backUp(from, found, context.text("backup"), new Date())
    if (backup !== undefined) out.note(`Backup: ${backup}`)

    const outcomes: Outcome[] = []
    for (const line of found.lines) {
      const outcome = await attempt(line, async () =>
        importFiles(server, line.company, await readFolder(line.folder), how),
      )
      outcomes.push(outcome)
      if (outcome.report !== undefined) tellReport(out, outcome.report)
      else {
        out.line(`${line.company}: not imported: ${outcome.error?.message}`)
        for (const detail of outcome.error?.details ?? []) out.note(`  ${detail}`)
      }
    }
    const failed = outcomes.filter(({ error }) => error !== undefined).length
    if (failed > 0) out.note(`${failed} of ${outcomes.length} were not imported; the others were`)
    else if (how.dryRun) out.note("Nothing was changed. Without --dry-run it is done")
    else out.note("Now set WHATSAPP_MULTI_TENANT=true, unset DEFAULT_COMPANY_ID, and name the company in each call")
    out.result({ dryRun: how.dryRun, backup: backup ?? null, companies: outcomes })
    return failed > 0 ? 1 : 0
  },
}

/** One that cannot be imported does not keep the others from it. */
async function attempt({ company, folder }: OldLine, work: () => Promise<Report>): Promise<Outcome> {
  try {
    return { company, folder, report: await work() }
  } catch (thrown) {
    if (!(thrown instanceof CommandFailure)) throw thrown
    const { code, message, details } = thrown
    return { company, folder, error: { ...(code === undefined ? {} : { code }), message, details } }
  }
}
