import { StoreFault } from "../../../core/store.ts"

/** Where a Redis server is and who asks. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
}

const PORT = 6379
const ACCEPTED = "expected redis://[user:password@]host[:port][/database], or rediss:// for TLS"

/**
 * Reads the URL of a Redis server. `db` is the database's number when the URL names none. Throws a StoreFault, which
 * never holds a part of the URL, since each may be a secret in the wrong place.
 */
export function readAddress(text: string, db?: number): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === "") throw fault(ACCEPTED)
  if (url.search !== "" || url.hash !== "") throw fault(`${ACCEPTED}; nothing may follow`)
  const named = url.pathname.replace(/^\//, "")
  if (!/^\d{0,6}$/.test(named)) throw fault(`${ACCEPTED}; a database is a number`)
  const own = named === "" ? undefined : Number(named)
  if (own !== undefined && db !== undefined && own !== db) {
    throw new StoreFault("db", "names another database than the url; leave one of them out")
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? PORT : Number(url.port),
    tls: url.protocol === "rediss:",
    username: decoded(url.username),
    password: decoded(url.password),
    db: own ?? db ?? 0,
  }
}

function decoded(text: string): string | undefined {
  if (text === "") return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone per cent sign; the text of the error would show the password.
    throw fault("has a user or password with a % that stands for nothing; write a % itself as %25")
  }
}

function fault(message: string): StoreFault {
  return new StoreFault("url", message)
}
