import { type AppError, appError } from "../../core/errors.ts"

/**
 * What went wrong on the way, in words for whoever gave the URL. Errors of sockets name addresses and those of parsers
 * repeat what they read, so nothing of them is passed on.
 */
export const faults = {
  connection: () => unreachable("No connection could be made"),
  broken: () => unreachable("The connection broke off before the answer was complete"),
  certificate: () => unreachable("No TLS connection could be made: its certificate must be valid for this host"),
  proxy: () => unreachable("The proxy did not let the connection through"),
  protocol: () => unusable("It does not answer in HTTP"),
  headers: () => unusable("The headers of its answer are too large"),
  encoding: () => unusable("Its answer is compressed in a way that does not open"),
  bomb: () => unusable("Its answer is compressed further than any text or picture can be"),
  size: (limit: number) => unusable(`Its answer is larger than ${limit} bytes`),
} as const

const unreachable = (message: string): AppError => appError("URL_UNREACHABLE", { message })
const unusable = (message: string): AppError => appError("URL_ANSWER_UNUSABLE", { message })
