import type { z } from "@hono/zod-openapi"
import { zValidator } from "@hono/zod-validator"
import type { MiddlewareHandler } from "hono"
import type { HttpEnv } from "./exchange.ts"
import { faultsOf } from "./faults.ts"

/**
 * One part of a request against its schema. A failure does not answer by itself, since the library's answer repeats the
 * input: its faults are gathered, so that those of all parts come back together, in the house's shape.
 */
export function check(part: "param" | "query" | "json", schema: z.ZodType): MiddlewareHandler<HttpEnv> {
  return zValidator(
    part,
    schema,
    (result, context) => {
      const parsed = result.data as z.ZodSafeParseResult<unknown>
      if (!parsed.success) context.env.faults.push(...faultsOf(parsed.error))
    },
    { validationFunction: (_, value) => ({ success: true, data: schema.safeParse(value) }) },
  ) as MiddlewareHandler<HttpEnv>
}

/** What a part's schema made of it, once no part is at fault. */
export function checked(parsed: unknown): unknown {
  return (parsed as { readonly data?: unknown } | undefined)?.data
}
