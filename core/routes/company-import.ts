import { z } from "@hono/zod-openapi"
import { EXPORT_TYPE } from "../company/export-format.ts"
import { appError } from "../errors.ts"
import { companyId, companyIdField, companyParams, success } from "../http/schemas.ts"
import type { Lines } from "../lines.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

/** A folder of a line that knows thousands of people has some ten thousand small files. */
const FILES_LIMIT = 64 << 20
/** An export is read as a whole before anything of it counts. */
const EXPORT_LIMIT = 512 << 20

const TRUTH = "expected true or false"
const flag = z
  .enum(["true", "false"], { error: TRUTH })
  .optional()
  .transform((text) => text === "true")
  .openapi({ type: "string", enum: ["true", "false"] })
const encoder = new TextEncoder()

const report = z
  .object({
    companyId,
    dryRun: z.boolean(),
    user: z
      .object({ id: z.string(), phone: z.string().nullable(), lid: z.string().nullable(), name: z.string().nullable() })
      .nullable()
      .openapi({ description: "Whose link it is; null for an export without credentials" }),
    counts: z.record(z.string(), z.int()).openapi({ description: "Records by kind" }),
    skipped: z
      .array(z.object({ file: z.string(), message: z.string(), fatal: z.boolean() }))
      .openapi({ description: "Files that could not be read and were left out" }),
    overridden: z
      .array(z.object({ code: z.string(), message: z.string() }))
      .openapi({ description: "What `force` has overridden" }),
  })
  .openapi("ImportReport")

const body = z.strictObject({
  companyId: companyIdField,
  files: z
    .record(z.string(), z.string({ error: "expected the text of a file" }), { error: "expected files by name" })
    .optional()
    .openapi({ description: "Files by name, such as `creds.json`: the whole folder" }),
  force: z.boolean({ error: TRUTH }).optional().openapi({ description: "Import whatever stands against it" }),
  dryRun: z.boolean({ error: TRUTH }).optional().openapi({ description: "Find out everything, change nothing" }),
})

/** A company out of what another program, or another server, has kept of it. */
export function companyImportRoute({ companyData }: Lines): ApiRoute {
  return defineRoute(
    {
      method: "post",
      path: "/api/whatsapp/companies/{companyId}/import",
      scope: "operator",
      company: "path",
      summary: "Make a company out of another program's folder, or out of an export",
      description:
        "`files` are those of Baileys' multi-file auth state. The company is linked afterwards and connects without a QR code. " +
        `An export (${EXPORT_TYPE}) brings everything back that was in it; with its credentials the line, too. ` +
        "An import over a line that is connected, over another or a newer state of it, or over a company that is there, is refused without `force`.",
      tag: "Companies",
      params: companyParams,
      query: z.object({ force: flag, dryRun: flag }),
      body,
      bodyOptional: true,
      bodyLimit: FILES_LIMIT,
      rawBody: { type: EXPORT_TYPE, limit: EXPORT_LIMIT },
      responses: { 200: { description: "What was imported", schema: success(report) } },
      errors: ["IMPORT_REFUSED", "SESSION_OWNED_ELSEWHERE", "MOVE_UNDER_WAY", "STORAGE_UNAVAILABLE", "NOT_SUPPORTED"],
    },
    async ({ call, query, body: given, raw }) => {
      const how = { force: query.force || given?.force === true, dryRun: query.dryRun || given?.dryRun === true }
      const { importer } = companyData
      if (raw !== undefined) return { success: true, data: await importer.exported(call, raw, how) }
      const { files } = given ?? {}
      if (files === undefined) {
        const message = `Send \`files\`, or an export as ${EXPORT_TYPE}`
        throw appError("VALIDATION_ERROR", { details: [{ path: "files", code: "VALIDATION_ERROR", message }] })
      }
      const texts = Object.entries(files).map(([name, text]) => [name, encoder.encode(text)] as const)
      return { success: true, data: await importer.files(call, new Map(texts), how) }
    },
  )
}
