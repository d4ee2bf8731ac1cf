import { z } from "@hono/zod-openapi"
import { appError, isAppError } from "../errors.ts"
import { companyId, companyIdField, companyParams, success } from "../http/schemas.ts"
import type { Lines } from "../lines.ts"
import { parsePhone, parseRecipient, recipientText } from "../message/recipient.ts"
import { refOf } from "../message/send-checks.ts"
import type { Connection, Presence } from "../provider.ts"
import { refuseFaults } from "../refusal.ts"
import { type ApiRoute, defineRoute } from "../route.ts"
import type { Recipient } from "../types.ts"

const tag = "Contacts"
/** How long WhatsApp has to answer, and a socket to take what is written. */
const ANSWER_MS = 10_000

const PRESENCES = ["available", "unavailable", "composing", "recording", "paused"] as const
const PRESENCE_RULE = `expected one of ${PRESENCES.join(", ")}`
const PHONE_HINT = "Write the phone internationally, such as +79001234567"

const presenceBody = z.looseObject({
  companyId: companyIdField,
  presence: z.enum(PRESENCES, { error: PRESENCE_RULE }),
  to: z.unknown().optional().openapi({
    type: "string",
    description: "The chat, as in a send; needed for `composing`, `recording` and `paused`",
    example: "79001234567",
  }),
})

/** What can be asked and shown beside messages, on a line that is connected. */
export function contactRoutes({ sessions }: Lines): readonly ApiRoute[] {
  const connectionOf = (company: string): Connection => {
    const connection = sessions.peek(company)?.connection
    if (connection === undefined) throw appError("NO_ACTIVE_SESSION")
    return connection
  }

  const check = defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/contacts/{companyId}/check",
      scope: "send",
      company: "path",
      summary: "Whether a phone is on WhatsApp",
      description: "Asks WhatsApp each time; asking for many strangers in a row can cost the account its good name.",
      tag,
      params: companyParams,
      query: z.object({ phone: z.string({ error: PHONE_HINT }).openapi({ example: "79001234567" }) }),
      responses: {
        200: {
          description: "What WhatsApp says",
          schema: success(
            z.object({
              exists: z.boolean(),
              jid: z.string().nullable().openapi({ example: "79001234567@s.whatsapp.net" }),
              lid: z.string().nullable().openapi({ description: "As in a message, where WhatsApp tells it" }),
            }),
          ),
        },
      },
      errors: ["INVALID_PHONE", "NO_ACTIVE_SESSION", "MESSAGE_SEND_ERROR", "NOT_SUPPORTED"],
    },
    async ({ call, query }) => {
      const phone = parsePhone(query.phone)
      if (phone === undefined) {
        throw refuseFaults([{ path: "phone", code: "INVALID_PHONE", message: PHONE_HINT }]).error
      }
      const connection = connectionOf(call.company)
      if (connection.lookup === undefined) throw appError("NOT_SUPPORTED")
      const contact = await answered(connection.lookup(phone, ANSWER_MS))
      return {
        success: true,
        data: { exists: contact !== undefined, jid: contact?.address ?? null, lid: contact?.lid ?? null },
      }
    },
  )

  const presence = defineRoute(
    {
      method: "post",
      path: "/api/whatsapp/presence/{companyId}",
      scope: "send",
      company: "path",
      summary: "Show the account as online, typing or recording",
      description: "WhatsApp confirms no presence: the answer says that it has been written.",
      tag,
      params: companyParams,
      body: presenceBody,
      responses: {
        200: {
          description: "It has been written to WhatsApp",
          schema: success(z.object({ companyId, presence: z.enum(PRESENCES), to: z.string().nullable() })),
        },
      },
      errors: ["INVALID_PHONE", "NO_ACTIVE_SESSION", "NOT_ON_WHATSAPP", "MESSAGE_SEND_ERROR", "NOT_SUPPORTED"],
    },
    async ({ call, body }) => {
      const to = readTo(body.to, body.presence)
      const connection = connectionOf(call.company)
      if (connection.presence === undefined) throw appError("NOT_SUPPORTED")
      await answered(connection.presence(presenceOf(body.presence, to), ANSWER_MS))
      const shown = to === undefined ? null : recipientText(to)
      return { success: true, data: { companyId: call.company, presence: body.presence, to: shown } }
    },
  )

  return [check, presence]
}

/** The chat of a presence that belongs to one; the whole account's has none. */
function readTo(value: unknown, presence: Presence["state"]): Recipient | undefined {
  if (presence === "available" || presence === "unavailable") return undefined
  const to = parseRecipient(value)
  if (to !== undefined) return to
  const message = `\`${presence}\` needs the chat in \`to\`: a phone, or an id ending in @s.whatsapp.net, @lid or @g.us`
  throw refuseFaults([{ path: "to", code: "INVALID_PHONE", message }]).error
}

function presenceOf(state: Presence["state"], to: Recipient | undefined): Presence {
  if (state === "available" || state === "unavailable") return { state }
  if (to === undefined) throw appError("INVALID_PHONE")
  return { state, to: refOf(to) }
}

/** A transport tells of a deadline or a broken connection in its own words, which are none for a caller. */
async function answered<T>(task: Promise<T>): Promise<T> {
  try {
    return await task
  } catch (cause) {
    if (isAppError(cause)) throw cause
    throw appError("MESSAGE_SEND_ERROR", { message: "WhatsApp did not answer in time", cause })
  }
}
