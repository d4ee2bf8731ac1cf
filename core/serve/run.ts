import process from "node:process"
import { type App, type AppOptions, createApp } from "../app.ts"
import { toError } from "../errors.ts"
import type { Listen } from "../listen.ts"
import { withoutSecrets } from "../log-words.ts"
import { loadConfig } from "./load-config.ts"
import { isStartError } from "../settings/start-error.ts"

/** The life of the server as a process: start, signals, exit code. */
export async function run(listen: Listen, more: Pick<AppOptions, "unfilteredLog"> = {}): Promise<void> {
  let app: App | undefined
  let started = false
  let stopping = false

  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    // Timers of the house keep no process alive, and it must live until everything is closed.
    setInterval(() => undefined, 1_000)
    await app?.stop()
    process.exit(code)
  }
  const onSignal = (): void => {
    // A second one is somebody who does not want to wait.
    if (stopping) process.exit(1)
    void stop(0)
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  // A promise that a library forgot must not end every company's line; a throw out of nowhere leaves nothing to trust.
  process.on("unhandledRejection", (reason) => {
    if (!started) fail(toError(reason))
    app?.report("error", "A promise was rejected unhandled", toError(reason))
  })
  process.on("uncaughtException", (error) => {
    if (!started) fail(error)
    app?.report("fatal", "An exception reached the top; the server stops", error)
    void stop(1)
  })

  // Whoever read the output (`| head`) may be gone, and what libraries print then must not end the server.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined)

  try {
    app = createApp({ config: await loadConfig(), listen, ...more })
    await app.start()
    started = true
  } catch (thrown) {
    fail(toError(thrown))
  }
}

function fail(error: Error): never {
  console.error(isStartError(error) ? error.message : `Switchboard cannot start: ${withoutSecrets(error.message)}`)
  process.exit(1)
}
