import pino from "pino"
import { prettyFactory } from "pino-pretty"
import type { Logger } from "../../core/log.ts"
import type { LogOptions, OpenLog } from "../../core/system.ts"
import { openLogFile } from "./log-file.ts"

/** Standard output as far as the log needs it. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * JSON lines on the output, pretty when a person reads it on a terminal, and in a file as well when one is named.
 * Everything is written before the call returns: a worker would lose the last lines of a process that is killed.
 */
export function openLog({ level, file }: LogOptions, output?: Output): OpenLog {
  const terminal = output === undefined ? process.stdout.isTTY : output.isTTY === true
  const raw = output ?? pino.destination({ fd: 1, sync: true })
  const format = prettyFactory({ colorize: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" })
  const console = terminal ? { write: (line: string) => raw.write(format(line)) } : raw
  const logFile = file === undefined ? undefined : openLogFile({ path: file })
  const streams = logFile === undefined ? [console] : [console, logFile]

  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The house hands in words of errors, see `createSafeLog`; pino would take those for an error as well.
      serializers: { error: (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error) },
    },
    pino.multistream(streams.map((stream) => ({ stream, level: "trace" }))),
  )
  return { log: logger as Logger, close: () => logFile?.close() }
}
