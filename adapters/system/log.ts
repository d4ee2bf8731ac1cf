import pino from "pino"
import { prettyFactory } from "pino-pretty"
import type { Logger } from "../../core/log.ts"
import type { LogOptions, OpenLog } from "../../core/system.ts"
import { openLogFile } from "./log-file.ts"
import { openOutput, type Output } from "./log-output.ts"

const STDOUT = 1

/**
 * JSON lines on the output, pretty when a person reads it on a terminal, and in a file as well when one is named.
 * Everything is written before the call returns: a worker would lose the last lines of a process that is killed.
 */
export function openLog({ level, file }: LogOptions, output: Output = openOutput(STDOUT)): OpenLog {
  const format = prettyFactory({ colorize: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" })
  const pretty = output.isTTY === true
  const logFile = file === undefined ? undefined : openLogFile({ path: file })

  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The house hands in words of errors, see `createSafeLog`; pino would take those for an error as well.
      serializers: { error: (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error) },
    },
    {
      write(line) {
        output.write(pretty ? format(line) : line)
        logFile?.write(line)
      },
    },
  )
  return { log: logger as Logger, close: () => logFile?.close() }
}
