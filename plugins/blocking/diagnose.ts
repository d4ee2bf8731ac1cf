import type { Finding } from "../../core/plugin.ts"

/** By whose list a person is blocked. */
export type BlockedBy = "server" | "company" | null

const DETAILS = {
  server: "The number is on the server's list (WHATSAPP_BLOCKED_NUMBERS): only the operator can take it off",
  company: "The number is on the company's own list (blockedNumbers): take it off there to write to it",
}

/** What is said of somebody whom nobody has written to yet. */
export function blockedFinding(by: BlockedBy): Finding {
  const check = "blocked"
  return by === null
    ? { check, ok: true, detail: "The recipient is not blocked" }
    : { check, ok: false, detail: DETAILS[by] }
}
