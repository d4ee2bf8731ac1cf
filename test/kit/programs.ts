import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

/** The Debian packages of programs that check the kit. */
const PACKAGES = { shellcheck: "shellcheck", "systemd-analyze": "systemd", promtool: "prometheus" } as const

/** What a test says that cannot run; empty when it can. */
export function missing(program: keyof typeof PACKAGES): string {
  const found = (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)))
  return found ? "" : ` (skipped: the Debian package ${PACKAGES[program]} is not installed)`
}
