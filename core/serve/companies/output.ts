import process from "node:process"
import cliProgress from "cli-progress"

/** What a command says: its result on standard output, everything on the way there on standard error. */
export interface Output {
  readonly json: boolean
  /** A line of the result, for people. */
  line(text: string): void
  /** Columns, aligned, under their names. */
  table(names: readonly string[], rows: readonly (readonly string[])[]): void
  /** The result for programs: with `--json` the only thing on standard output. */
  result(value: unknown): void
  /** Something on the way. */
  note(text: string): void
  /** A bar on a terminal, a line now and then elsewhere. */
  progress(what: string): Progress
}

export interface Progress {
  at(done: number, total: number): void
  end(): void
}

export function createOutput(json: boolean): Output {
  return {
    json,
    line(text) {
      if (!json) console.log(text)
    },
    table(names, rows) {
      if (json) return
      const widths = names.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)))
      for (const row of [names, ...rows]) {
        console.log(
          row
            .map((cell, at) => cell.padEnd(widths[at] ?? 0))
            .join("  ")
            .trimEnd(),
        )
      }
    },
    result(value) {
      if (json) console.log(JSON.stringify(value, undefined, 2))
    },
    note(text) {
      if (!json) console.error(text)
    },
    progress: (what) => (json ? silent : process.stderr.isTTY ? bar(what) : lines(what)),
  }
}

const silent: Progress = { at: () => undefined, end: () => undefined }

function bar(what: string): Progress {
  const shown = new cliProgress.SingleBar({
    format: `${what} {bar} {percentage}% {value}/{total}`,
    stream: process.stderr,
    hideCursor: true,
  })
  let begun = false
  return {
    at(done, total) {
      if (!begun) shown.start(total, done)
      begun = true
      shown.setTotal(total)
      shown.update(done)
    },
    end() {
      if (begun) shown.stop()
    },
  }
}

/** A tenth of the way from one line to the next. */
const STEPS = 10

function lines(what: string): Progress {
  let said = -1
  return {
    at(done, total) {
      const step = Math.floor((done / total) * STEPS)
      if (total === 0 || step <= said) return
      said = step
      console.error(`${what} ${done} of ${total}`)
    },
    end: () => undefined,
  }
}
