import { z } from "@hono/zod-openapi"

/** Kinds of settings. Each takes the text of an environment variable or the value of a config file. */

const asNumber = (value: unknown): unknown =>
  typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value

const TRUE = new Set(["true", "1", "yes", "on"])
const FALSE = new Set(["false", "0", "no", "off"])
const asBoolean = (value: unknown): unknown => {
  if (typeof value !== "string") return value
  const text = value.trim().toLowerCase()
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : value
}

const asList = (value: unknown): unknown =>
  typeof value === "string"
    ? value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
    : value

export const bool = z.preprocess(asBoolean, z.boolean({ error: "expected true, false, 1, 0, yes, no, on or off" }))

/** A whole number from 1. */
export const count = z.preprocess(
  asNumber,
  z.int({ error: "expected a whole number from 1" }).min(1, { error: "expected a whole number from 1" }),
)

const MS = "expected whole milliseconds from 1 to 2147483647"

/** Milliseconds, up to what a timer can hold. */
export const ms = z.preprocess(asNumber, z.int({ error: MS }).min(1, { error: MS }).max(2_147_483_647, { error: MS }))

export const port = z.preprocess(
  asNumber,
  z
    .int({ error: "expected a port from 0 to 65535" })
    .min(0, { error: "expected a port from 0 to 65535" })
    .max(65_535, { error: "expected a port from 0 to 65535" }),
)

/** A share from 0 to 1. */
export const share = z.preprocess(
  asNumber,
  z
    .number({ error: "expected a number from 0 to 1" })
    .min(0, { error: "expected a number from 0 to 1" })
    .max(1, { error: "expected a number from 0 to 1" }),
)

/** Comma-separated texts. */
export const list = z.preprocess(asList, z.array(z.string(), { error: "expected a comma-separated list" }))
