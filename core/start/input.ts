import type { Clock } from "../clock.ts"
import type { Config } from "../config.ts"
import type { Logger } from "../log.ts"
import type { Prepared } from "./prepare.ts"
import type { System } from "../system.ts"
import type { UndoStack } from "./undo.ts"

/** What the parts of a server are put together from. */
export interface HouseInput {
  readonly config: Config
  readonly system: System
  readonly clock: Clock
  readonly log: Logger
  readonly prepared: Prepared
  /** Receives what takes each part back. */
  readonly undo: UndoStack
  isClosing(): boolean
  /** Whoever calls is the operator: nobody can but who holds the app in hand. */
  readonly maintenance: boolean
  /** True for a house that is only looked at: no background work begins. */
  readonly survey?: boolean
}
