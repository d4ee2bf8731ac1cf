import { z } from "@hono/zod-openapi"
import type { Driver } from "unstorage"
import { toError } from "../errors.ts"
import { type StorageAdapter, StoreFault } from "../store.ts"
import type { System } from "../system.ts"
import { openForeignStore } from "./foreign-store.ts"

const BARE = /^[a-z0-9-]+$/

/**
 * Any other unstorage driver as a store: `{ "adapter": "unstorage", "driver": "fs", …options of the driver }`. A bare name
 * is one of unstorage's own, anything else a package or a path whose default export makes a driver.
 */
export function foreignAdapter(system: Pick<System, "loadModule">): StorageAdapter {
  return {
    name: "unstorage",
    config: z.looseObject({
      driver: z
        .string({ error: "expected the name of an unstorage driver, such as fs, or of a package" })
        .min(1)
        .optional()
        .describe("Name of an unstorage driver, or of a package or path that exports one"),
    }),
    needs: ["driver"],
    async open({ driver, folder: _folder, store: _store, instance: _instance, clock: _clock, log, ...options }) {
      const specifier = BARE.test(String(driver)) ? `unstorage/drivers/${String(driver)}` : String(driver)
      const make = await load(system, specifier)
      log.warn(
        { driver: String(driver) },
        "A foreign driver: what it promises of durability is unknown, it cannot keep a second process off a line, and every record is a write of its own",
      )
      return openForeignStore(String(driver), make(options))
    },
  }
}

async function load(system: Pick<System, "loadModule">, specifier: string): Promise<(options: object) => Driver> {
  let made: unknown
  try {
    made = await system.loadModule(specifier)
  } catch (thrown) {
    throw new StoreFault("driver", `the driver cannot be loaded (${toError(thrown).message})`, thrown)
  }
  if (typeof made !== "function")
    throw new StoreFault("driver", "its default export is no function that makes a driver")
  return made as (options: object) => Driver
}
