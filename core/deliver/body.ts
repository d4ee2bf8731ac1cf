import { appError } from "../errors.ts"
import { utf8 } from "../records/utf8.ts"

const LARGEST = 512 * 1_024

/** The JSON text that is sent at each try. Throws PAYLOAD_TOO_LARGE for more than 512 KiB. */
export function createBodyText(body: object): string {
  const text = JSON.stringify(body)
  if (utf8(text).length > LARGEST) {
    throw appError("PAYLOAD_TOO_LARGE", { message: `What is delivered has at most ${LARGEST} bytes` })
  }
  return text
}
