import { readFile } from "node:fs/promises"
import { type Command, word } from "../command.ts"
import { wrongUse } from "../failure.ts"
import { isFolder, readFolder } from "../folder.ts"
import { importExport, importFiles, tellReport } from "../import-files.ts"

export const importCompany: Command = {
  name: "import",
  summary: "Make a company out of a folder of Baileys' auth state, or out of an export",
  usage: "<company> --from <folder or file> [--dry-run] [--force]",
  words: ["company"],
  options: { from: { type: "string" }, "dry-run": { type: "boolean" }, force: { type: "boolean" } },
  optionHelp: {
    "from <path>": "A folder with creds.json, or a file that `export` has written",
    "dry-run": "Find out everything, change nothing",
    force: "Leave out files that cannot be read, and replace what is here whatever it is worth",
  },
  more: "The line connects without a QR code. Stop the program that has used the folder before: two on one link throw each other out.",
  check(given) {
    if (given.text("from") === undefined) throw wrongUse("Out of what? Name a folder or a file with --from")
  },
  async run(context) {
    const { out, reach } = context
    const company = word(context, 0)
    const from = context.text("from") ?? ""
    const how = { force: context.flag("force"), dryRun: context.flag("dry-run") }
    const folder = await isFolder(from)
    const files = folder ? await readFolder(from) : undefined
    const { server } = await reach()
    const report =
      files === undefined
        ? await importExport(server, company, await readFile(from), how)
        : await importFiles(server, company, files, how)
    tellReport(out, report)
    if (!how.dryRun && report.user !== null) {
      out.note(
        server.running
          ? `It connects with POST /api/whatsapp/sessions/${company}/initialize, or with its first message`
          : "It connects when the server starts",
      )
    }
    out.result(report)
    return 0
  },
}
