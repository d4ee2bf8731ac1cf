import { type AppError, appError } from "../../../core/errors.ts"

/** What Redis answers instead of a result, by the word it begins with. Nothing has been written then. */
const REASONS: Readonly<Record<string, string>> = {
  LOADING: "it is still loading its data",
  READONLY: "it is a replica, which takes no writes",
  OOM: "it has used up its maxmemory",
  MISCONF: "it cannot save to its disk",
  BUSY: "it is busy with a script",
  MASTERDOWN: "it is a replica without its master",
  NOREPLICAS: "too few of its replicas are there",
  CLUSTERDOWN: "its cluster is down",
  NOAUTH: "it wants a password",
  NOPERM: "the user may not do that",
  WRONGTYPE: "a key holds something else than what this store writes",
}
const WORDS = new RegExp(`\\b(${Object.keys(REASONS).join("|")})\\b`)

/** An answer of the server that is an error. */
export interface Refusal extends Error {
  readonly name: "ReplyError"
}

export const isReply = (error: unknown): error is Refusal => error instanceof Error && error.name === "ReplyError"

/** True when the script has to be sent along: the server was restarted, or has forgotten its scripts. */
export const isNoScript = (error: unknown): boolean => isReply(error) && error.message.startsWith("NOSCRIPT")

/** True when a server that was the master is one no more: the name may lead to the new one by now. */
export const isReadOnly = (error: unknown): boolean => isReply(error) && wordOf(error) === "READONLY"

/**
 * What an answer of the server means to whoever asked. Neither the answer's own text nor its command goes along: they
 * hold records and passwords.
 */
export function replyFailure(error: Refusal): AppError {
  const word = wordOf(error)
  const cause = new Error(`Redis refuses with ${word}${REASONS[word] === undefined ? "" : `: ${REASONS[word]}`}`)
  return appError(word === "WRONGTYPE" ? "CREDENTIALS_DAMAGED" : "STORAGE_UNAVAILABLE", { cause })
}

export function unavailable(reason: string): AppError {
  return appError("STORAGE_UNAVAILABLE", { cause: new Error(reason) })
}

/** Older servers wrap what a command inside a script was refused with, so the word may stand further back. */
function wordOf(error: Refusal): string {
  return WORDS.exec(error.message)?.[1] ?? /^[A-Z]+\b/.exec(error.message)?.[0] ?? "an error"
}
