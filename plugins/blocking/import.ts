import { type PluginContext, z } from "../../core/plugin.ts"
import type { CompanyList } from "./company-list.ts"
import { createReader, type Given, linesOf, MOST_ENTRIES } from "./listing.ts"
import { type Context, MOST_FAULTS, ok, overfull, params, PATH, tag, total, unknownCompany } from "./routes.ts"

/** Lines of one import, the bad ones and the repeated ones among them. */
const MOST_LINES = 5 * MOST_ENTRIES
const LIMIT = 2_097_152
/** Numbers read before others get their turn: some milliseconds. */
const PORTION = 250

const bad = z.object({
  line: z.int().openapi({ description: "Line of the text, or place in the list, from 1" }),
  message: z.string(),
})
const report = z.object({
  dryRun: z.boolean(),
  accepted: z.int().openapi({ description: "Numbers that were not on the list" }),
  duplicates: z.int().openapi({ description: "Numbers on the list already, or given twice, in whatever spelling" }),
  rejected: z.int().openapi({ description: "Lines that are no number; nothing of them is kept" }),
  faults: z.array(bad).openapi({ description: `The first ${MOST_FAULTS} of those` }),
  total,
})

/** Many numbers at once: those that are numbers are taken, the others named by their line. */
export function mountImport({ route, reject, clock }: Context, list: CompanyList): void {
  route({
    spec: {
      method: "post",
      path: `${PATH}/import`,
      scope: "admin",
      company: "path",
      summary: "Block many numbers",
      description:
        "A JSON list (or `numbers`), or a text with one number a line as `text/plain`, or as `text/csv` in the first column. " +
        "What is a number is taken, and each line that is none is named; `dryRun=true` tells the same and changes nothing.",
      tag,
      params,
      query: z.object({
        dryRun: z
          .enum(["true", "false"], { error: "expected true or false" })
          .optional()
          .transform((text) => text === "true")
          .openapi({ type: "string", enum: ["true", "false"] }),
      }),
      body: z
        .union([z.array(z.unknown()), z.looseObject({ numbers: z.array(z.unknown()).optional() })], {
          error: "expected a list of numbers",
        })
        .openapi({ type: "array", items: { type: "string" } }),
      bodyOptional: false,
      bodyLimit: LIMIT,
      rawBody: { type: ["text/plain", "text/csv"], limit: LIMIT },
      responses: { 200: { description: "What has come of it", schema: ok(report) } },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call, body, query: { dryRun }, raw, request }) {
      if (!(await list.exists(call.company))) return unknownCompany(reject)
      const lines = linesIn(raw ?? (Array.isArray(body) ? body : body.numbers), request.headers)
      if ("fault" in lines) return reject("VALIDATION_ERROR", { message: lines.fault })
      const given = await readLines(lines, clock)
      const done = await list.add(call, given, dryRun)
      if (done === undefined) return overfull(reject)
      return {
        success: true,
        data: {
          dryRun,
          accepted: done.added,
          duplicates: done.duplicates,
          rejected: given.bad.length,
          faults: given.bad.slice(0, MOST_FAULTS),
          total: done.total,
        },
      }
    },
  })
}

type Lines = readonly { readonly line: number; readonly value: unknown }[]
interface Unusable {
  readonly fault: string
}

function linesIn(source: Uint8Array | readonly unknown[] | undefined, headers: Headers): Lines | Unusable {
  if (source === undefined) return { fault: "Give the numbers as a list, or in `numbers`" }
  const lines = source instanceof Uint8Array ? linesOfText(source, headers) : placesOf(source)
  if ("fault" in lines || lines.length <= MOST_LINES) return lines
  return { fault: `An import has at most ${MOST_LINES} lines; give it in parts` }
}

const placesOf = (values: readonly unknown[]): Lines => values.map((value, index) => ({ line: index + 1, value }))

function linesOfText(bytes: Uint8Array, headers: Headers): Lines | Unusable {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    return linesOf(text, /^\s*text\/csv/i.test(headers.get("content-type") ?? ""))
  } catch {
    // The decoder's own words add nothing for the caller.
    return { fault: "The text is not valid UTF-8" }
  }
}

async function readLines(lines: Lines, clock: PluginContext<unknown, never>["clock"]): Promise<Given> {
  const reader = createReader()
  for (const [index, { line, value }] of lines.entries()) {
    if (index > 0 && index % PORTION === 0) await clock.sleep(1)
    reader.read(value, line)
  }
  return reader.end()
}
