const GIVEN = /^[A-Za-z0-9_.:-]{1,128}$/

/** The caller's X-Request-Id when it is fit to stand in a header and a log line, else a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id")
  return given !== null && GIVEN.test(given) ? given : crypto.randomUUID()
}
