import { appError } from "../../../core/errors.ts"
import { StoreFault } from "../../../core/store.ts"
import { errorCode } from "./xml.ts"

/** An answer of the server, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

interface Remedy {
  readonly option: string
  readonly message: string
}

const NO_BUCKET: Remedy = { option: "bucket", message: "There is no such bucket: make it, or name another one" }
const FORBIDDEN: Remedy = {
  option: "accessKeyId",
  message: "This key may not do that: it needs to get, put, delete and list objects of the bucket",
}
const WRONG_REGION: Remedy = { option: "region", message: "The bucket is in another region" }

/** What waiting does not mend, and what does. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  NoSuchBucket: NO_BUCKET,
  InvalidBucketName: { option: "bucket", message: "The server does not take this for a bucket's name" },
  InvalidAccessKeyId: { option: "accessKeyId", message: "The server does not know this access key id" },
  SignatureDoesNotMatch: {
    option: "secretAccessKey",
    message: "The signature is refused: the secret access key does not belong to the access key id",
  },
  AccessDenied: FORBIDDEN,
  AllAccessDisabled: FORBIDDEN,
  AccountProblem: FORBIDDEN,
  PermanentRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
}

/** True when the same request may go through a little later. */
export function isPassing({ status, body }: Answer): boolean {
  if (status === 501 || status === 505) return false
  if (status >= 500 || status === 429 || status === 408) return true
  if (status === 409) return true
  return status === 400 && errorCode(body) === "RequestTimeout"
}

/** What an answer that is no success means: a StoreFault, or STORAGE_UNAVAILABLE. Never holds what was sent. */
export function faultOf(what: string, answer: Answer): Error {
  const { status, body } = answer
  const code = errorCode(body)
  const remedy = (code === undefined ? undefined : REMEDIES[code]) ?? remedyOf(status, code)
  if (remedy !== undefined) return new StoreFault(remedy.option, remedy.message, said(what, status, code))
  return unavailable(said(what, status, code))
}

function remedyOf(status: number, code: string | undefined): Remedy | undefined {
  if (status === 301 || status === 307) return WRONG_REGION
  if (status === 401) return FORBIDDEN
  // A clock that is off is no matter of permissions.
  if (status === 403 && code !== "RequestTimeTooSkewed") return FORBIDDEN
  return undefined
}

export function unavailable(cause: Error): Error {
  return appError("STORAGE_UNAVAILABLE", { cause })
}

function said(what: string, status: number, code: string | undefined): Error {
  const clock = code === "RequestTimeTooSkewed" ? ": the clock of this machine is wrong" : ""
  return new Error(`S3 answered ${what} with ${status}${code === undefined ? "" : ` ${code}`}${clock}`)
}
