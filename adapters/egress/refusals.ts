import { type UrlFault, UrlRefused } from "../../core/egress.ts"

/** One sentence for what does not resolve and what resolves to the inside, so that it tells nobody which names exist there. */
const NOT_REACHABLE = "expected a host that has a public address, and no other"

const SENTENCES: Readonly<Record<UrlFault["reason"], string>> = {
  syntax: "expected a whole URL such as https://host.example/path, without spaces or backslashes",
  scheme: "the scheme of this URL is not among those that may be used here",
  credentials: "expected a URL without a name and password in front of its host",
  port: "expected port 80, 443, or one above 1023",
  unresolved: NOT_REACHABLE,
  address: NOT_REACHABLE,
  redirects: "it answers with a redirect, and may not, or not so many times",
}

/** A refusal with the sentence of its reason. */
export function refuse(reason: UrlFault["reason"], message: string = SENTENCES[reason]): UrlRefused {
  return new UrlRefused({ reason, message })
}
