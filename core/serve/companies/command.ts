import type { ParseArgsConfig } from "node:util"
import type { Output } from "./output.ts"
import type { Reached } from "./server.ts"

/** One of the commands, as the help shows it and as it runs. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** What stands behind the name, such as `<company> --to <store>`. */
  readonly usage: string
  /** Names of the words that are neither the name nor an option. */
  readonly words: readonly string[]
  readonly options: NonNullable<ParseArgsConfig["options"]>
  /** A line for each option. */
  readonly optionHelp: Readonly<Record<string, string>>
  /** More for the help. */
  readonly more?: string
  /** Finds what is wrong before anything is opened; throws a CommandFailure with exit code 2. */
  check?(given: Given): void
  /** The exit code. */
  run(context: Context): Promise<number>
}

export interface Given {
  readonly words: readonly string[]
  text(option: string): string | undefined
  flag(option: string): boolean
}

export interface Context extends Given {
  readonly out: Output
  /** Opens the house or finds the server, once. */
  reach(): Promise<Reached>
}

/** The word at `place`; the parser has made sure that it is there. */
export function word({ words }: Given, place: number): string {
  return words[place] ?? ""
}
