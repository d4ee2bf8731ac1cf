import { CommandFailure } from "./failure.ts"
import type { Server } from "./server.ts"

/** What to do about an error of the API. */
const REMEDIES: Readonly<Record<string, string>> = {
  UNAUTHORIZED: "Set WHATSAPP_API_KEY to the key that the server has",
  FORBIDDEN: "This needs the admin key in WHATSAPP_API_KEY",
  NOT_FOUND: "`npm run companies -- list` shows the companies there are",
  IMPORT_REFUSED: "Add --force if you are sure that what is imported is worth more than what is here",
  STORAGE_UNAVAILABLE: "A store or the disk cannot be reached now; see `GET /api/whatsapp/health`, and try again",
  STORE_OCCUPIED: "Erase what that store has of the company, or choose another store",
  SESSION_OWNED_ELSEWHERE: "Another process runs this line: run the command against that one with --url",
  ENCRYPTION_OFF: "Set WHATSAPP_ENCRYPTION_KEY",
  MOVE_UNDER_WAY: "Wait until the company's move has ended",
  PAYLOAD_TOO_LARGE: "Is it the folder of one single line?",
}

export const remedyOf = (code: string): string | undefined => REMEDIES[code]

/** The answer's body. Throws a CommandFailure for any answer that is none of success. */
export async function call<T>(server: Server, method: string, path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: JSON_TYPE }
  const response = await server.fetch(path, init)
  await refuseFailure(response)
  return (await response.json()) as T
}

export async function refuseFailure(response: Response): Promise<void> {
  if (response.ok) return
  const text = await response.text()
  const error = errorIn(text)
  if (error === undefined) {
    throw new CommandFailure(`The server answered ${response.status}, and not as Switchboard does`, {
      remedy: "Is there another program at that address? Name the server with --url",
    })
  }
  const { code, message, details } = error
  const remedy = remedyOf(code)
  throw new CommandFailure(message, { code, details: linesOf(details), ...(remedy === undefined ? {} : { remedy }) })
}

export const one = (company: string, rest = ""): string =>
  `/api/whatsapp/companies/${encodeURIComponent(company)}${rest}`

const JSON_TYPE = { "content-type": "application/json" }

function errorIn(text: string): { code: string; message: string; details?: unknown } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown; details?: unknown } }
    if (typeof error?.code !== "string" || typeof error.message !== "string") return undefined
    return { code: error.code, message: error.message, details: error.details }
  } catch {
    // Whatever answered, it is none of our servers.
    return undefined
  }
}

function linesOf(details: unknown): string[] {
  if (!Array.isArray(details)) return []
  return details.flatMap((detail: { readonly path?: unknown; readonly message?: unknown }) => {
    const { path, message } = detail
    if (typeof message !== "string") return []
    return [typeof path === "string" && path !== "" ? `${path}: ${message}` : message]
  })
}
