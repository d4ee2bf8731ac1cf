import { z } from "@hono/zod-openapi"
import { companyId, companyParams, nextCursor, pageQuery, sessionStatus, success } from "../http/schemas.ts"
import { statusJson } from "../line/view.ts"
import type { Lines } from "../lines.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const base = "/api/whatsapp/sessions"
const one = `${base}/{companyId}`
const tag = "Sessions"

const initialized = sessionStatus.extend({
  qr: z.string().optional().openapi({ description: "The text of the QR code to scan" }),
  pairingCode: z.string().optional().openapi({ example: "ABCD-EFGH" }),
})

const linkBody = z.looseObject({
  usePairingCode: z
    .boolean({ error: "expected true or false" })
    .nullish()
    .openapi({ description: "Link by a code typed on the phone instead of a QR code" }),
  phoneNumber: z
    .unknown()
    .optional()
    .openapi({ type: "string", description: "The phone to link; needed for a pairing code", example: "79001234567" }),
})

const START_ERRORS: readonly string[] = [
  ...["INVALID_PHONE", "PAIRING_REFUSED", "SESSION_LIMIT_REACHED", "SESSION_OWNED_ELSEWHERE"],
  ...["CREDENTIALS_DAMAGED", "BANNED", "STORAGE_UNAVAILABLE"],
]

const json = (body: object, status: number): Response =>
  Response.json(body, { status, headers: { "cache-control": "no-store" } })

/** Starting, reading and ending sessions. */
export function sessionRoutes({ sessions, commands }: Lines): readonly ApiRoute[] {
  const initialize = defineRoute(
    {
      method: "post",
      path: `${one}/initialize`,
      scope: "session",
      company: "path",
      summary: "Start or resume a session",
      description:
        "Waits at most 30 s until there is a QR code, a pairing code or a connection. Called again it shows the same session.",
      tag,
      params: companyParams,
      body: linkBody,
      bodyOptional: true,
      responses: {
        200: {
          description: "There is something to scan or type, or the line is connected",
          schema: success(initialized),
        },
        202: { description: "Nothing to show yet", schema: success(sessionStatus) },
      },
      errors: START_ERRORS,
    },
    async ({ call, body }) => {
      const { status, code, ready } = await commands.initialize(call, body ?? {})
      const shown = code === undefined ? {} : code.kind === "qr" ? { qr: code.text } : { pairingCode: code.text }
      return json({ success: true, data: { ...statusJson(status), ...shown } }, ready ? 200 : 202)
    },
  )

  const list = defineRoute(
    {
      method: "get",
      path: base,
      scope: "read",
      company: "none",
      summary: "All sessions, by company",
      description: "A company's key sees its own company.",
      tag,
      query: pageQuery,
      responses: {
        200: {
          description: "Sessions in the order of their companies' ids",
          schema: z.object({
            success: z.literal(true),
            data: z.record(z.string(), sessionStatus),
            summary: z.object({ total: z.int(), connected: z.int() }),
            nextCursor,
          }),
        },
      },
    },
    async ({ principal, query }) => {
      const own = principal.company
      const page =
        own === undefined
          ? await sessions.companies.page(query.cursor, query.limit)
          : {
              ids:
                (await sessions.companies.record(own)) === undefined && sessions.peek(own) === undefined ? [] : [own],
              next: null,
            }
      const data: Record<string, unknown> = Object.create(null)
      for (const id of page.ids) {
        const status = await sessions.look(id)
        if (status !== undefined) data[id] = statusJson(status)
      }
      const seen = sessions.view
        .list()
        .filter(({ connected, companyId: id }) => connected && (own === undefined || id === own))
      const total = own === undefined ? await sessions.companies.count() : page.ids.length
      return { success: true, data, summary: { total, connected: seen.length }, nextCursor: page.next }
    },
  )

  const status = (path: string): ApiRoute =>
    defineRoute(
      {
        method: "get",
        path,
        scope: "read",
        company: "path",
        summary: "The status of a session",
        tag,
        params: companyParams,
        responses: { 200: { description: "The session", schema: success(sessionStatus) } },
        errors: ["SESSION_NOT_FOUND"],
      },
      async ({ call }) => ({ success: true, data: statusJson(await sessions.status(call.company)) }),
    )

  const pairingCode = defineRoute(
    {
      method: "post",
      path: `${one}/pairing-code`,
      scope: "session",
      company: "path",
      summary: "A code to type on the phone",
      description: "Only a code that WhatsApp has accepted. The phone shows where to type it under Linked devices.",
      tag,
      params: companyParams,
      body: z.looseObject({
        phoneNumber: z
          .unknown()
          .optional()
          .openapi({ type: "string", description: "The phone to link", example: "79001234567" }),
      }),
      responses: {
        200: {
          description: "The code",
          schema: success(
            z.object({
              code: z.string().openapi({ example: "ABCD-EFGH" }),
              expiresIn: z.int().openapi({ description: "Seconds" }),
              phoneNumber: z.string(),
            }),
          ),
        },
      },
      errors: ["INVALID_PHONE", "ALREADY_CONNECTED", "PAIRING_REFUSED", "SESSION_LIMIT_REACHED"],
    },
    async ({ call, body }) => {
      const { text, expiresIn, phone } = await commands.pairingCode(call, body.phoneNumber)
      return json({ success: true, data: { code: text, expiresIn, phoneNumber: phone } }, 200)
    },
  )

  const command = (name: "disconnect" | "restart", summary: string): ApiRoute =>
    defineRoute(
      {
        method: "post",
        path: `${one}/${name}`,
        scope: "session",
        company: "path",
        summary,
        tag,
        params: companyParams,
        responses: { 200: { description: "The session's status", schema: success(sessionStatus) } },
        errors: ["SESSION_NOT_FOUND", "STORAGE_UNAVAILABLE"],
      },
      async ({ call }) => ({ success: true, data: statusJson(await commands[name](call)) }),
    )

  const unlinked = z.boolean().openapi({ description: "WhatsApp has been told; false when the line was not connected" })

  const logout = defineRoute(
    {
      method: "post",
      path: `${one}/logout`,
      scope: "session",
      company: "path",
      summary: "Unlink at WhatsApp and erase the credentials",
      tag,
      params: companyParams,
      responses: {
        200: { description: "The session's status", schema: success(sessionStatus.extend({ unlinked })) },
      },
      errors: ["SESSION_NOT_FOUND"],
    },
    async ({ call }) => {
      const done = await commands.logout(call)
      return { success: true, data: { ...statusJson(done.status), unlinked: done.unlinked } }
    },
  )

  const remove = defineRoute(
    {
      method: "delete",
      path: one,
      scope: "session",
      company: "path",
      summary: "Log out if possible and erase the session",
      tag,
      params: companyParams,
      responses: {
        200: {
          description: "Erased; messages and events stay",
          schema: success(z.object({ companyId, deleted: z.literal(true), unlinked })),
        },
      },
      errors: ["SESSION_NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async ({ call }) => {
      const done = await commands.remove(call)
      return { success: true, data: { companyId: call.company, deleted: true, unlinked: done.unlinked } }
    },
  )

  const routes: readonly ApiRoute[] = [
    initialize,
    list,
    status(one),
    status(`${one}/status`),
    pairingCode,
    command("disconnect", "Close the connection and keep the credentials"),
    command("restart", "Close the connection and connect anew"),
    logout,
    remove,
  ]
  return routes
}
