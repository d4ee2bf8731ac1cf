/**
 * The bridge throws strings; Baileys 7.0.0-rc14 reads `.message` of what is thrown and decides by its words whether to ask
 * for a message again. These are its words.
 */
const ALREADY_USED = "Key used already or never filled"
const NO_SESSION = "No session record"
const NO_SENDER_KEY = "No session found to decrypt message"

export function isRepeat(thrown: unknown): boolean {
  return /DuplicatedMessage|message with old counter/.test(wordsOf(thrown))
}

/** An Error that says to Baileys what the bridge meant. Carries no key material: the bridge's texts name addresses at most. */
export function signalError(thrown: unknown): Error {
  const words = wordsOf(thrown)
  if (isRepeat(thrown)) return new Error(ALREADY_USED, { cause: thrown })
  if (words.includes("SessionNotFound")) return new Error(NO_SESSION, { cause: thrown })
  if (words.includes("no sender key state")) return new Error(NO_SENDER_KEY, { cause: thrown })
  return thrown instanceof Error ? thrown : new Error(words, { cause: thrown })
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
