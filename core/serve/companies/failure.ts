/** A command that did not do what it was asked, said so that the reader knows what to do next. */
export class CommandFailure extends Error {
  /** 1: it failed. 2: it was asked wrongly. */
  readonly exitCode: 1 | 2
  /** More lines of what is wrong. */
  readonly details: readonly string[]
  readonly remedy: string | undefined
  /** Of the API's error table, where there is one. */
  readonly code: string | undefined

  constructor(message: string, more: FailureParts = {}) {
    super(message)
    this.name = "CommandFailure"
    this.exitCode = more.exitCode ?? 1
    this.details = more.details ?? []
    this.remedy = more.remedy
    this.code = more.code
  }
}

export interface FailureParts {
  readonly exitCode?: 1 | 2
  readonly details?: readonly string[]
  readonly remedy?: string | undefined
  readonly code?: string
}

export const wrongUse = (message: string, remedy?: string): CommandFailure =>
  new CommandFailure(message, { exitCode: 2, remedy })
