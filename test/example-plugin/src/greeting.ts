import type { Transform } from "@switchboard/server/plugin"

/** What the plugin offers to others: its hook and its service. */

declare module "@switchboard/server/plugin" {
  interface HookMap {
    /** The greeting before it is given; whoever stands here may change it. */
    "greeting:word": Transform<{ readonly company: string }, string>
  }
}

/** The service `greeting`. */
export interface Greeter {
  /** A greeting in the name of the company. */
  greet(company: string, name: string): Promise<string>
}
