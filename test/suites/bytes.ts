import { isAppError } from "../../core/errors.ts"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The code that a promise is refused with, or "none". */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => "none",
    (thrown: unknown) => thrown,
  )
  return isAppError(error) ? error.code : String(error)
}
