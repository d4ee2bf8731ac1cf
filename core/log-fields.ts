/**
 * The fields that a line of the log may have, each with the kind of what it holds. What is not on this list does not come
 * out as it is (see `safeFields`), so that a new field is put here before it is logged, and whoever does so says what it is.
 */

/**
 * `id`: an id of ours, or one that a caller gave for it. `name`: one of few, chosen by code or by the operator. `code`: a
 * code of an error. `words`: an error or what somebody says of one, without its secrets. `count` and `flag` are harmless.
 */
export type LogFieldKind = "id" | "name" | "code" | "count" | "flag" | "words" | "url"

interface ValueOf {
  readonly id: string
  readonly name: string
  readonly code: string | number
  readonly count: number
  readonly flag: boolean
  readonly words: string | Error
  readonly url: string
}

export const LOG_FIELDS = {
  // What a line is about, and by which it is followed.
  requestId: "id",
  company: "id",
  messageId: "id",
  batchId: "id",
  deliveryId: "id",
  alertId: "id",
  keyId: "id",
  /** A person's mark: keyed, and anew at each start; see `createPersonMark`. */
  person: "id",

  // Where it happened.
  plugin: "name",
  hook: "name",
  task: "name",
  step: "name",
  provider: "name",
  library: "name",
  store: "name",
  driver: "name",
  /** The template of a route, never the path as it came. */
  path: "name",
  method: "name",
  /** Of an event, of what another system asks for, of an alert. */
  event: "name",
  type: "name",
  /** How a call was signed. */
  scheme: "name",
  /** States of a line, or stores that a company moves between. */
  from: "name",
  to: "name",
  /** Where a message or an alert has come to. */
  state: "name",
  /** What came of a try, of a message or a delivery. */
  outcome: "name",

  // Why.
  code: "code",
  statusCode: "code",
  error: "words",
  reason: "words",
  cause: "words",
  url: "url",

  // How much.
  /** Of an answer over HTTP. */
  status: "count",
  ms: "count",
  /** Position in a batch, from 0. */
  index: "count",
  attempt: "count",
  /** Lines that this one stands for, beside the one that came first. */
  repeated: "count",
  companies: "count",
  records: "count",
  files: "count",
  accepted: "count",
  rejected: "count",
  failed: "count",
  left: "count",
  maxSessions: "count",
  count: "count",
  retryCount: "count",
  deviceCount: "count",
  dbQueries: "count",
  bufferCount: "count",
  credentials: "flag",
  forced: "flag",
} as const satisfies Readonly<Record<string, LogFieldKind>>

export type LogField = keyof typeof LOG_FIELDS

/** Fields that the house's own lines may have. */
export type KnownFields = { readonly [F in LogField]?: ValueOf[(typeof LOG_FIELDS)[F]] | undefined }
