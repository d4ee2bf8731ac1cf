const BEARER = /^Bearer(?:[ \t]+(.*))?$/i

/** Two headers carry a key each, and which one counts is anybody's guess. */
export const AMBIGUOUS = Symbol("ambiguous")

/**
 * The key as a header carries it, or undefined. One in a URL is not looked at, since URLs end up in logs and histories.
 */
export function keyIn(headers: Headers): string | typeof AMBIGUOUS | undefined {
  const plain = headers.get("x-api-key") ?? ""
  const bearer = BEARER.exec(headers.get("authorization") ?? "")?.[1] ?? ""
  if (plain === "" || bearer === "" || plain === bearer) return plain || bearer || undefined
  return AMBIGUOUS
}
