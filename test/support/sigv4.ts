import { createHash, createHmac } from "node:crypto"

/**
 * AWS Signature Version 4 as a server checks it, written from the published description and checked against its published
 * examples. The S3 servers that tests can install do not check it.
 */
export interface SignedRequest {
  readonly method: string
  /** Path and query exactly as sent. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

/** The signature that a request should carry, and the one it carries; undefined for one that is not signed in this way. */
export function signatures(request: SignedRequest, secret: string): { expected: string; given: string } | undefined {
  const { method, target, headers } = request
  const header = (name: string): string => String(headers[name] ?? "")
  const form = FORM.exec(header("authorization"))
  if (form === null) return undefined
  const [, , day = "", region = "", service = "", signed = "", given = ""] = form

  const [path = "", query = ""] = target.split("?")
  const canonical = [
    method,
    // S3 signs the path as it was sent, without encoding it again.
    path,
    query
      .split("&")
      .filter((part) => part !== "")
      .map((part) => (part.includes("=") ? part : `${part}=`))
      .sort()
      .join("&"),
    ...signed.split(";").map((name) => `${name}:${header(name).trim().replaceAll(/ +/g, " ")}`),
    "",
    signed,
    header("x-amz-content-sha256"),
  ].join("\n")
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ["AWS4-HMAC-SHA256", header("x-amz-date"), scope, sha256(canonical)].join("\n")
  let key: string | Buffer = `AWS4${secret}`
  for (const part of [day, region, service, "aws4_request"]) key = hmac(key, part)
  return { expected: hmac(key, text).toString("hex"), given }
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest()
