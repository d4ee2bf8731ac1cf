import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import process from "node:process"
import { temporaryFolder } from "./folder.ts"

/** An S3 server to test against. */
export interface S3Server {
  /** Options of the store; each call has a prefix of its own, so that tests do not meet. */
  options(): Readonly<Record<string, string>>
  stop(): Promise<void>
}

const BUCKET = "switchboard"
const s3rver = fileURLToPath(new URL("../../node_modules/s3rver/bin/s3rver.js", import.meta.url))

/** The server behind TEST_S3_ENDPOINT (with TEST_S3_BUCKET and so on), or s3rver in a process of its own. */
export async function startS3Server(): Promise<S3Server> {
  const { TEST_S3_ENDPOINT: endpoint, TEST_S3_REGION: region } = process.env
  if (endpoint !== undefined && endpoint !== "") {
    const given = {
      endpoint,
      region: region ?? "us-east-1",
      bucket: process.env["TEST_S3_BUCKET"] ?? BUCKET,
      accessKeyId: process.env["TEST_S3_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: process.env["TEST_S3_SECRET_ACCESS_KEY"] ?? "",
    }
    return { options: () => ({ ...given, prefix: prefix() }), stop: async () => undefined }
  }
  const folder = await temporaryFolder()
  const child = spawn(
    process.execPath,
    [s3rver, "-d", folder.path, "-a", "127.0.0.1", "-p", "0", "--configure-bucket", BUCKET],
    {
      // Its continuation tokens use a cipher that OpenSSL 3 has put away.
      env: { ...process.env, NODE_OPTIONS: "--openssl-legacy-provider" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  const port = await listening(child)
  const own = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    accessKeyId: "S3RVER",
    secretAccessKey: "S3RVER",
  }
  return {
    options: () => ({ ...own, prefix: prefix() }),
    async stop() {
      const gone = once(child, "exit")
      child.kill("SIGTERM")
      await gone
      await folder.remove()
    },
  }
}

const prefix = (): string => `test-${randomBytes(6).toString("hex")}`

/** The port it says it listens on. What it logs is read all the time, so that its pipe never fills. */
function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = ""
    const hear = (text: string): void => {
      if (said.length < 10_000) said += text
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(said) ?? []
      if (port !== undefined) resolve(Number(port))
    }
    child.stdout?.setEncoding("utf8").on("data", hear)
    child.stderr?.setEncoding("utf8").on("data", hear)
    child.once("exit", () => reject(new Error(`s3rver did not start: ${said}`)))
  })
}
