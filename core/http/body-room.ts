import { appError } from "../errors.ts"

/** Memory for bodies of callers whom nobody knows: what all of them have sent before anything of it could be checked. */
export interface BodyRoom {
  /** Throws SERVER_BUSY when there is not so much left. */
  take(bytes: number): void
  give(bytes: number): void
}

const ROOM_BYTES = 64 * 1024 * 1024
const RETRY_S = 5

export function createBodyRoom(): BodyRoom {
  let left = ROOM_BYTES
  return {
    take(bytes) {
      if (bytes > left) throw appError("SERVER_BUSY", { retryAfter: RETRY_S })
      left -= bytes
    },
    give(bytes) {
      left += bytes
    },
  }
}
